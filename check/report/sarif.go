package report

import (
	"encoding/json"
	"io"
	"net/url"
	"slices"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// object is a JSON object of the SARIF schema.
type object = map[string]any

// SARIF prints findings in the Static Analysis Results Interchange Format
// 2.1.0 (OASIS), with the story as a thread flow and fixes as replacements.
func SARIF(w io.Writer, found []finding.Finding, rules []Rule) error {
	results := make([]object, len(found))
	for i, f := range found {
		results[i] = sarifResult(f, rules)
	}
	var described []object
	for _, r := range rules {
		described = append(described, object{
			"id":               r.ID,
			"shortDescription": object{"text": r.Title},
			"fullDescription":  object{"text": r.Text},
		})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []object{{
			"tool":       object{"driver": object{"name": "penstock check", "rules": described}},
			"columnKind": "unicodeCodePoints",
			"results":    results,
		}},
	})
}

func sarifResult(f finding.Finding, rules []Rule) object {
	level := "note"
	switch f.Level {
	case finding.Certain, finding.Likely:
		level = "error"
	case finding.Possible:
		level = "warning"
	}
	out := object{
		"ruleId":              f.Rule,
		"ruleIndex":           slices.IndexFunc(rules, func(r Rule) bool { return r.ID == f.Rule }),
		"level":               level,
		"message":             object{"text": f.Message},
		"locations":           []object{sarifLocation(f.At, "")},
		"partialFingerprints": object{"penstock/v1": f.Key},
	}
	if flows := threadFlows(f); len(flows) > 0 {
		out["codeFlows"] = []object{{"threadFlows": flows}}
	}
	if fixes := sarifFixes(f.Fixes); len(fixes) > 0 {
		out["fixes"] = fixes
	}
	return out
}

// threadFlows has one flow a thread; executionOrder tells the interleaving.
func threadFlows(f finding.Finding) []object {
	if len(f.Steps) == 0 {
		return nil
	}
	flows := make([][]object, max(len(f.Threads), 1))
	for i, s := range f.Steps {
		if s.At.Known() {
			flows[s.Thread] = append(flows[s.Thread], object{"location": sarifLocation(s.At, s.Text), "executionOrder": i + 1})
		}
	}
	var out []object
	for i, steps := range flows {
		if len(steps) == 0 {
			continue
		}
		flow := object{"locations": steps}
		if i < len(f.Threads) {
			flow["message"] = object{"text": f.Threads[i]}
		}
		out = append(out, flow)
	}
	return out
}

func sarifFixes(fixes []finding.Fix) []object {
	var out []object
	for _, x := range fixes {
		byFile := map[*ir.File][]object{}
		var order []*ir.File
		for _, e := range x.Edits {
			if byFile[e.Span.File] == nil {
				order = append(order, e.Span.File)
			}
			byFile[e.Span.File] = append(byFile[e.Span.File], object{
				"deletedRegion":   object{"byteOffset": e.Span.Start, "byteLength": e.Span.End - e.Span.Start},
				"insertedContent": object{"text": e.New},
			})
		}
		var changes []object
		for _, f := range order {
			changes = append(changes, object{"artifactLocation": artifact(f), "replacements": byFile[f]})
		}
		out = append(out, object{"description": object{"text": x.Title}, "artifactChanges": changes})
	}
	return out
}

// artifact names a file by a URI relative to where the check ran.
func artifact(f *ir.File) object {
	u := url.URL{Path: f.Path}
	return object{"uri": u.EscapedPath()}
}

func sarifLocation(s ir.Span, text string) object {
	region := object{
		"startLine": s.Line(), "startColumn": s.File.Column(s.Start),
		"endLine": s.File.Line(s.End), "endColumn": s.File.Column(s.End),
	}
	out := object{"physicalLocation": object{"artifactLocation": artifact(s.File), "region": region}}
	if text != "" {
		out["message"] = object{"text": text}
	}
	return out
}
