package admin

import (
	"io"

	"github.com/valyala/fasthttp"
)

// Page is a route that answers GET with what write writes; when that fails, with 500 and
// nothing of it. It lets others add a page without knowing fasthttp.
func Page(path, contentType string, open bool, write func(io.Writer) error) Route {
	return Route{Method: fasthttp.MethodGet, Path: path, Open: open, Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType(contentType)
		if err := write(ctx); err != nil {
			ctx.Response.Reset()
			ctx.SetStatusCode(fasthttp.StatusInternalServerError)
		}
	}}
}
