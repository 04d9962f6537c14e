package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// plot is a line chart over time as SVG.
type plot struct {
	title string
	unit  string
	at    []float64 // seconds
	lines []series
}

type series struct {
	name   string
	values []float64
}

const (
	plotWidth, plotHeight = 720.0, 240.0
	plotLeft, plotBottom  = 70.0, 30.0
	plotTop, plotRight    = 28.0, 130.0
)

var colours = []string{"#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df"}

// svg draws it.
func (p plot) svg() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, plotWidth, plotHeight, template.HTMLEscapeString(p.title))
	fmt.Fprintf(&b, `<text x="%g" y="16" class="t">%s</text>`, plotLeft, template.HTMLEscapeString(p.title))
	top, last := p.highest(), 1.0
	if len(p.at) > 0 {
		last = math.Max(p.at[len(p.at)-1], 1)
	}
	x := func(v float64) float64 { return plotLeft + v/last*(plotWidth-plotLeft-plotRight) }
	y := func(v float64) float64 { return plotHeight - plotBottom - v/top*(plotHeight-plotBottom-plotTop) }
	for i := 0; i <= 4; i++ {
		v := top * float64(i) / 4
		fmt.Fprintf(&b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" class="g"/><text x="%g" y="%.1f" class="a" text-anchor="end">%s</text>`,
			plotLeft, plotWidth-plotRight, y(v), y(v), plotLeft-6, y(v)+4, label(v)+" "+p.unit)
		s := last * float64(i) / 4
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" class="a" text-anchor="middle">%s s</text>`, x(s), plotHeight-10, label(s))
	}
	for i, l := range p.lines {
		var points strings.Builder
		for k, v := range l.values {
			fmt.Fprintf(&points, "%.1f,%.1f ", x(p.at[k]), y(v))
		}
		c := colours[i%len(colours)]
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/><text x="%g" y="%g" class="a" fill="%s">%s</text>`,
			points.String(), c, plotWidth-plotRight+8, plotTop+10+float64(i)*16, c, template.HTMLEscapeString(l.name))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // made here, of numbers and escaped titles
}

// highest is the top of the scale: the next 1, 2 or 5 times a power of ten.
func (p plot) highest() float64 {
	top := 0.0
	for _, l := range p.lines {
		for _, v := range l.values {
			top = math.Max(top, v)
		}
	}
	if top <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(top)))
	for _, f := range []float64{1, 2, 5, 10} {
		if top <= f*power {
			return f * power
		}
	}
	return top
}

func label(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.4gk", v/1000)
	}
	return fmt.Sprintf("%.3g", v)
}
