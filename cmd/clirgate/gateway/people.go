package gateway

import (
	"clirgate/admin"
	"clirgate/admin/oidc"
	"clirgate/admin/token"
)

// people is who comes with a login of the configured issuer; nil: there is none.
func (g *Gateway) people() admin.People {
	c := g.cfg.Admin.OIDC
	if c.Issuer == "" {
		return nil
	}
	groups := make(map[string]token.Role, len(c.Groups))
	for name, role := range c.Groups {
		groups[name] = token.Role(role) // checked with the configuration
	}
	return oidc.New(oidc.Options{
		Issuer: c.Issuer, Audience: c.Audience, Groups: groups, GroupsClaim: c.GroupsClaim, NameClaim: c.NameClaim,
	})
}
