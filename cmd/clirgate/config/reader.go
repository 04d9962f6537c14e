package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// reader fills a Config from a YAML tree and remembers where everything stood. Unlike
// a plain decoder it goes on after a mistake, so that all of them are told at once.
type reader struct {
	file     string
	problems Problems
	places   map[string]*token.Position // by key: peers[1].from[0]
	anchors  map[string]ast.Node
}

func newReader(file string) *reader {
	return &reader{file: file, places: map[string]*token.Position{}, anchors: map[string]ast.Node{}}
}

// add notes a mistake at key, or at the nearest key above it that the file has.
func (r *reader) add(key, what, mend string) { r.note(key, what, mend, false) }

func (r *reader) warn(key, what, mend string) { r.note(key, what, mend, true) }

func (r *reader) note(key, what, mend string, warning bool) {
	p := Problem{File: r.file, Line: 1, Column: 1, Key: key, What: what, Mend: mend, Warning: warning}
	for at := key; at != ""; at = parent(at) {
		if pos := r.places[at]; pos != nil {
			p.Line, p.Column = pos.Line, pos.Column
			break
		}
	}
	r.problems = append(r.problems, p)
}

// parent is the key above: peers[1].from[0] -> peers[1].from -> peers[1] -> peers.
func parent(key string) string {
	return key[:max(0, strings.LastIndexAny(key, ".["))]
}

// read fills the struct that into points to.
func (r *reader) read(key string, n ast.Node, into any) {
	r.value(key, n, reflect.ValueOf(into).Elem())
}

func (r *reader) value(key string, n ast.Node, v reflect.Value) {
	n = r.plain(key, n)
	if n == nil {
		return
	}
	if r.places[key] == nil {
		r.places[key] = n.GetToken().Position
	}
	if _, null := n.(*ast.NullNode); null { // "key:" with nothing behind it
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[Duration]():
		r.duration(key, n, v)
	case v.Kind() == reflect.Struct:
		r.fields(key, n, v)
	case v.Kind() == reflect.Map:
		r.entries(key, n, v)
	case v.Kind() == reflect.Slice:
		r.list(key, n, v)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(key, n, v.Elem())
	default:
		r.scalar(key, n, v)
	}
}

// plain takes anchors, aliases and tags away.
func (r *reader) plain(key string, n ast.Node) ast.Node {
	for range 10 {
		switch x := n.(type) {
		case *ast.AnchorNode:
			r.anchors[x.Name.GetToken().Value] = x.Value
			n = x.Value
		case *ast.AliasNode:
			n = r.anchors[x.Value.GetToken().Value]
			if n == nil {
				r.places[key] = x.GetToken().Position
				r.add(key, "this alias stands for nothing", "write the anchor before it")
				return nil
			}
		case *ast.TagNode:
			n = x.Value
		default:
			return n
		}
	}
	r.add(key, "aliases of aliases go too deep", "write the value out")
	return nil
}

// mapping is the pairs of n; nil after a mistake.
func (r *reader) mapping(key string, n ast.Node) []*ast.MappingValueNode {
	switch x := n.(type) {
	case *ast.MappingNode:
		return x.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{x}
	}
	r.add(key, "this must be keys with values, not "+kindOf(n), "indent the keys below it")
	return nil
}

// pairs calls each for every key of n, and tells of keys given twice.
func (r *reader) pairs(key string, n ast.Node, each func(sub, name string, v ast.Node)) {
	seen := map[string]bool{}
	for _, pair := range r.mapping(key, n) {
		name := pair.Key.GetToken().Value
		sub := strings.TrimPrefix(key+"."+name, ".")
		at := pair.Key.GetToken().Position
		if seen[name] {
			r.problems = append(r.problems, Problem{File: r.file, Line: at.Line, Column: at.Column,
				Key: sub, What: "the key is given twice", Mend: "keep one of them"})
			continue
		}
		seen[name], r.places[sub] = true, at
		each(sub, name, pair.Value)
	}
}

func (r *reader) fields(key string, n ast.Node, v reflect.Value) {
	r.pairs(key, n, func(sub, name string, value ast.Node) {
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("yaml") == name {
				r.value(sub, value, v.Field(i))
				return
			}
		}
		r.add(sub, "unknown key", suggestion(name, v.Type()))
	})
}

func (r *reader) entries(key string, n ast.Node, v reflect.Value) {
	m := reflect.MakeMap(v.Type())
	r.pairs(key, n, func(sub, name string, value ast.Node) {
		entry := reflect.New(v.Type().Elem()).Elem()
		r.value(sub, value, entry)
		m.SetMapIndex(reflect.ValueOf(name), entry)
	})
	v.Set(m)
}

func (r *reader) list(key string, n ast.Node, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		r.add(key, "this must be a list, not "+kindOf(n), "write it in brackets: [ ... ]")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	for i, item := range seq.Values {
		r.value(key+"["+strconv.Itoa(i)+"]", item, v.Index(i))
	}
}

// scalar reads text, whole numbers and true or false. Text may do without quotes, so
// that +3161234 and 0031 stay as they are written.
func (r *reader) scalar(key string, n ast.Node, v reflect.Value) {
	text, ok := textOf(n)
	if !ok {
		r.add(key, "this must be one value, not "+kindOf(n), "write one value, in quotes where it holds a colon")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		i, err := strconv.Atoi(text)
		if _, whole := n.(*ast.IntegerNode); !whole || err != nil {
			r.add(key, "this must be a whole number", "write digits only")
			return
		}
		v.SetInt(int64(i))
	case reflect.Bool:
		b, is := n.(*ast.BoolNode)
		if !is {
			r.add(key, "this must be true or false", "write true or false, without quotes")
			return
		}
		v.SetBool(b.Value)
	}
}

func (r *reader) duration(key string, n ast.Node, v reflect.Value) {
	text, _ := textOf(n)
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		r.add(key, "this is no length of time", "write a number and its unit, like 500ms, 2s or 24h")
		return
	}
	v.SetInt(int64(d))
}

func textOf(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// suggestion names the key that was meant, or all there are.
func suggestion(name string, t reflect.Type) string {
	var known []string
	for i := range t.NumField() {
		known = append(known, t.Field(i).Tag.Get("yaml"))
	}
	near := slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
	if distance(name, near) <= 2 {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "the keys here are " + strings.Join(known, ", ")
}

// distance is how many letters must change to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
