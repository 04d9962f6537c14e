package admin

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"time"

	"crypto/sha256"

	"clirgate/casework"
	"github.com/valyala/fasthttp"
)

// Letter is a letter or evidence in a list.
type Letter struct {
	N       int       `json:"n"`
	Kind    string    `json:"kind"` // warning, disclosure, notice; evidence
	Created time.Time `json:"created"`
}

func (s *Server) listLetters(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		id, err := id(ctx)
		if err != nil {
			return err
		}
		docs, err := w.Cases.Documents(wait, by, id)
		if err != nil {
			return err
		}
		list := make([]Letter, 0, len(docs))
		for _, d := range docs {
			list = append(list, Letter{d.N, d.Kind, d.Created})
		}
		writeJSON(ctx, fasthttp.StatusOK, map[string]any{"letters": list})
		return nil
	})
}

// getLetter answers a page to print. It runs nothing and loads nothing, whatever template
// an operator has written.
func (s *Server) getLetter(ctx *fasthttp.RequestCtx) {
	s.document(ctx, func(kind string) bool { return kind != casework.KindEvidence }, func(c casework.Content) {
		page(ctx, c.Body)
	})
}

// page answers HTML made from a template, and nothing that it could call.
func page(ctx *fasthttp.RequestCtx, html []byte) {
	ctx.SetContentType("text/html; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")
	ctx.Response.Header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'")
	ctx.SetBody(html)
}

// getEvidence answers the signed file byte for byte.
func (s *Server) getEvidence(ctx *fasthttp.RequestCtx) {
	s.document(ctx, func(kind string) bool { return kind == casework.KindEvidence }, func(c casework.Content) {
		signedFile(ctx, c.Body)
	})
}

func signedFile(ctx *fasthttp.RequestCtx, file []byte) {
	ctx.SetContentType("application/json")
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")
	ctx.SetBody(file)
}

func (s *Server) document(ctx *fasthttp.RequestCtx, wanted func(kind string) bool, show func(casework.Content)) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		id, err := id(ctx)
		if err != nil {
			return err
		}
		n, err := ordinal(ctx)
		if err != nil {
			return err
		}
		c, err := w.Cases.Document(wait, by, id, n)
		if err != nil {
			return err
		}
		if !wanted(c.Kind) {
			return casework.ErrNotFound
		}
		show(c)
		return nil
	})
}

// EvidenceKey is what evidence is verified with: to be kept where the evidence is not.
type EvidenceKey struct {
	Algorithm   string `json:"algorithm"`
	Key         string `json:"key"`         // base64
	Fingerprint string `json:"fingerprint"` // SHA-256 of the key, to compare by eye
}

func (s *Server) evidenceKey(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, _ casework.Actor) error {
		key, err := w.Cases.PublicKey(wait)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(key)
		writeJSON(ctx, fasthttp.StatusOK, EvidenceKey{"Ed25519", base64.StdEncoding.EncodeToString(key), hex.EncodeToString(sum[:])})
		return nil
	})
}
