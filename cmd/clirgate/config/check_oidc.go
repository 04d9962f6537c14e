package config

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"

	"clirgate/admin/token"
)

func (k *checker) checkOIDC() {
	o := k.Admin.OIDC
	if o.Issuer == "" {
		if o.Audience != "" || len(o.Groups) > 0 {
			k.add("admin.oidc.issuer", "it is missing", "write the issuer's URL, or take admin.oidc out")
		}
		return
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		k.add("admin.oidc.issuer", "this is no issuer's URL", "write it like https://login.example.net/realm")
	} else if addr, _ := netip.ParseAddr(u.Hostname()); u.Scheme != "https" && !(u.Scheme == "http" && (addr.IsLoopback() || u.Hostname() == "localhost")) {
		k.add("admin.oidc.issuer", "its keys would travel unprotected", "use https")
	}
	if o.Audience == "" {
		k.add("admin.oidc.audience", "it is missing: tokens made for others would be taken", "write what the issuer calls this gateway, its client ID")
	}
	if len(o.Groups) == 0 {
		k.add("admin.oidc.groups", "nobody has a role", "write groups and their roles, like {noc-engineers: noc}")
	}
	for _, group := range slices.Sorted(maps.Keys(o.Groups)) {
		if _, err := token.ParseRole(o.Groups[group]); err != nil {
			k.add("admin.oidc.groups."+group, err.Error(), "write one of them")
		}
	}
}
