package report

import (
	"html/template"
	"io"
	"strings"
	"time"

	"clirgate/loadtest"
)

// HTML writes one page with plots that loads nothing from elsewhere.
func HTML(w io.Writer, title string, made time.Time, r *loadtest.Result, broken []string) error {
	var text strings.Builder
	Text(&text, r)
	return page.Execute(w, map[string]any{
		"Title": title, "Made": made.UTC().Format(time.RFC3339), "Text": text.String(), "Broken": broken,
		"Totals": r.Totals, "Findings": r.Findings, "Outcomes": r.Outcomes, "Plots": plots(r), "Samples": r.Samples,
	})
}

// plots are those of the seconds of a run.
func plots(r *loadtest.Result) []template.HTML {
	n := len(r.Seconds)
	at := make([]float64, n)
	column := func(name string, f func(s *loadtest.Sample) float64) series {
		v := make([]float64, n)
		for i := range r.Seconds {
			v[i] = f(&r.Seconds[i])
		}
		return series{name, v}
	}
	for i := range r.Seconds {
		at[i] = r.Seconds[i].At.Seconds()
	}
	quantiles := func(pick func(t *loadtest.Times) loadtest.Quantiles) []series {
		ms := func(v int64) float64 { return float64(v) / 1000 }
		return []series{
			column("p50", func(s *loadtest.Sample) float64 { return ms(pick(&s.Times).P50) }),
			column("p99", func(s *loadtest.Sample) float64 { return ms(pick(&s.Times).P99) }),
			column("p99.9", func(s *loadtest.Sample) float64 { return ms(pick(&s.Times).P999) }),
		}
	}
	all := []plot{
		{"Rate", "/s", at, []series{
			column("offered", func(s *loadtest.Sample) float64 { return float64(s.Offered) }),
			column("carried", func(s *loadtest.Sample) float64 { return float64(s.Carried) }),
			column("failed", func(s *loadtest.Sample) float64 { return float64(s.Failed) })}},
		{"Delay of the element on first requests", "ms", at, quantiles(func(t *loadtest.Times) loadtest.Quantiles { return t.Forward })},
		{"Answer time without ringing", "ms", at, quantiles(func(t *loadtest.Times) loadtest.Quantiles { return t.Answer })},
		{"Calls in flight", "", at, []series{column("in flight", func(s *loadtest.Sample) float64 { return float64(s.Flight) })}},
	}
	if len(r.Processes) > 0 {
		all = append(all,
			plot{"CPU of the element", "%", at, []series{column("cpu", func(s *loadtest.Sample) float64 { return 100 * s.Usage.CPU.Seconds() })}},
			plot{"Memory of the element", "MB", at, []series{column("rss", func(s *loadtest.Sample) float64 { return mb(s.Usage.RSS) })}})
	}
	var out []template.HTML
	for _, p := range all {
		out = append(out, p.svg())
	}
	return out
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{{.Title}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328;background:#fff}
svg{display:block;width:100%;margin:1rem 0}.t{font-size:14px;font-weight:600}.a{font-size:11px}.g{stroke:#d8dee4}
table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #d8dee4}td.n{text-align:right}
pre{background:#f6f8fa;padding:1rem;overflow:auto;font-size:12px}.ok{color:#1a7f37}.no{color:#d1242f}
</style>
<h1>{{.Title}}</h1><p>{{.Made}}</p>
{{if .Broken}}<p class="no">Failed:</p><ul class="no">{{range .Broken}}<li>{{.}}</li>{{end}}</ul>{{else}}<p class="ok">All limits were kept.</p>{{end}}
{{range .Plots}}{{.}}{{end}}
<h2>Outcomes</h2><table><tr><th>calls<th>flow<th>how</tr>{{range .Outcomes}}<tr><td class="n">{{.Calls}}<td>{{.Flow}}<td>{{.How}}</tr>{{end}}</table>
<h2>What the oracle found</h2>{{if .Findings}}<table><tr><th>times<th>kind<th>vector<th>what<th>in</tr>
{{range .Findings}}<tr><td class="n">{{.Times}}<td>{{.Kind}}<td>{{.Vector}}<td>{{.What}}<td>{{.Method}}</tr>{{end}}</table>{{else}}<p>Nothing.</p>{{end}}
<h2>Figures</h2><pre>{{.Text}}</pre>
{{if .Samples}}<h2>First messages with a finding</h2>{{range .Samples}}<p>{{.Kind}}, {{.Vector}}: {{.What}}</p><pre>{{.Message}}</pre>{{end}}{{end}}
</html>
`))
