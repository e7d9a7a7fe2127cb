package report

import (
	"encoding/json"
	"io"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

type jsonPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
}

type jsonStep struct {
	Thread int         `json:"thread"`
	At     jsonPlace   `json:"at"`
	Text   string      `json:"text"`
	Via    []jsonPlace `json:"via,omitempty"`
}

type jsonEdit struct {
	At  jsonPlace `json:"at"`
	New string    `json:"new"`
}

type jsonFix struct {
	Title string     `json:"title"`
	Safe  bool       `json:"safe"`
	Note  string     `json:"note,omitempty"`
	Edits []jsonEdit `json:"edits"`
}

type jsonFinding struct {
	Rule    string     `json:"rule"`
	Level   string     `json:"level"`
	At      jsonPlace  `json:"at"`
	Message string     `json:"message"`
	Key     string     `json:"key"`
	Threads []string   `json:"threads,omitempty"`
	Steps   []jsonStep `json:"steps,omitempty"`
	Why     []string   `json:"why,omitempty"`
	Advice  []string   `json:"advice,omitempty"`
	Fixes   []jsonFix  `json:"fixes,omitempty"`
	NoFix   string     `json:"noFix,omitempty"`
}

// JSON prints findings as one array.
func JSON(w io.Writer, found []finding.Finding) error {
	out := make([]jsonFinding, len(found))
	for i, f := range found {
		out[i] = jsonFinding{
			Rule: f.Rule, Level: f.Level.String(), At: jsonAt(f.At), Message: f.Message, Key: f.Key,
			Threads: f.Threads, Why: f.Why, Advice: f.Advice, NoFix: f.NoFix,
		}
		for _, s := range f.Steps {
			step := jsonStep{Thread: s.Thread, At: jsonAt(s.At), Text: s.Text}
			for _, v := range s.Via {
				step.Via = append(step.Via, jsonAt(v))
			}
			out[i].Steps = append(out[i].Steps, step)
		}
		for _, x := range f.Fixes {
			fix := jsonFix{Title: x.Title, Safe: x.Tier == finding.Safe, Note: x.Note}
			for _, e := range x.Edits {
				fix.Edits = append(fix.Edits, jsonEdit{jsonAt(e.Span), e.New})
			}
			out[i].Fixes = append(out[i].Fixes, fix)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func jsonAt(s ir.Span) jsonPlace {
	if !s.Known() {
		return jsonPlace{}
	}
	return jsonPlace{s.File.Path, s.Line(), s.File.Column(s.Start), s.Start, s.End - s.Start}
}
