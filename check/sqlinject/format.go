package sqlinject

import (
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check/ir"
)

var (
	percentVerb = regexp.MustCompile(`%(?:\((\w+)\))?[-#0 +]*[\d*]*(?:\.[\d*]+)?([sdifrxXoeEgGca%])`)
	braceVerb   = regexp.MustCompile(`\{\{|\}\}|\{([^{}:!]*)(?:![rsa])?(?::[^{}]*)?\}`)
	dollarVerb  = regexp.MustCompile(`\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})`)
	goVerb      = regexp.MustCompile(`%[-#0 +]*[\d*]*(?:\.[\d*]+)?(?:\[(\d+)\])?([a-zA-Z%])`)
)

// verbsOf are the verbs of each language of templates.
var verbsOf = [...]*regexp.Regexp{ir.PercentVerbs: percentVerb, ir.BraceVerbs: braceVerb, ir.GoVerbs: goVerb, ir.DollarVerbs: dollarVerb}

// format fills a constant template.
func (w *walk) format(x *ir.Format, s state, depth int) text {
	tmpl, ok := w.eval(x.Template, s, depth+1).constant()
	if !ok {
		out := w.derived(x, x.Template, s, depth)
		for _, arg := range x.Args {
			out = worse(out, w.derived(x, arg, s, depth))
		}
		return out
	}
	verbs := verbsOf[x.Verbs]
	var out text
	done, next := 0, 0
	literal := func(t string) {
		if t != "" {
			out = append(out, part{text: t, expr: x.Template, at: x.Template.At()})
		}
	}
	for _, m := range verbs.FindAllStringSubmatchIndex(tmpl, -1) {
		literal(tmpl[done:m[0]])
		done = m[1]
		verb := tmpl[m[0]:m[1]]
		if verb == "%%" || verb == "{{" || verb == "}}" || verb == "$$" {
			literal(verb[:1])
			continue
		}
		name := ""
		if m[2] >= 0 {
			name = tmpl[m[2]:m[3]]
		} else if len(m) > 4 && x.Verbs == ir.DollarVerbs {
			name = tmpl[m[4]:m[5]]
		}
		arg := pick(x, name, &next)
		if arg == nil {
			out = append(out, part{hole: true, expr: x, at: x.At(), taint: unknown})
			continue
		}
		value := w.eval(arg, s, depth+1)
		if of := value.mapped(); of != nil && name != "" {
			value = carried(arg, of)
		}
		value = place(value, arg)
		if converts(x.Verbs, verb) {
			value = hole(arg, harmless, "")
		}
		out = append(out, value...)
	}
	literal(tmpl[done:])
	return enclosed(out)
}

// converts reports whether a verb takes numbers only.
func converts(in ir.Verbs, verb string) bool {
	if in == ir.DollarVerbs {
		return false
	}
	if in == ir.BraceVerbs {
		_, spec, ok := strings.Cut(verb, ":")
		spec = strings.TrimSuffix(spec, "}")
		return ok && spec != "" && strings.ContainsRune("bdeEfFgGnoxX%", rune(spec[len(spec)-1]))
	}
	return strings.ContainsRune("dixXoeEfgGt", rune(verb[len(verb)-1]))
}

// pick returns the argument of a verb, by name, number or turn.
func pick(x *ir.Format, name string, next *int) ir.Expr {
	for i, n := range x.Names {
		if n != "" && (n == name || strings.HasPrefix(name, n+".") || strings.HasPrefix(name, n+"[")) {
			return x.Args[i]
		}
	}
	if i := slices.Index(x.Names, ir.EveryName); i >= 0 && name != "" {
		return x.Args[i]
	}
	i := *next
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		i = int(name[0] - '0')
		if x.Verbs == ir.GoVerbs {
			i--
		}
	} else if name == "" {
		*next++
	} else {
		return nil
	}
	if i < 0 || i >= len(x.Args) {
		return nil
	}
	return x.Args[i]
}
