package admin

import (
	_ "embed"

	"github.com/valyala/fasthttp"
)

// Document describes the API (OpenAPI 3.1).
//
//go:embed openapi.yaml
var Document []byte

func (s *Server) openAPI(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("application/yaml")
	ctx.SetBody(Document)
}
