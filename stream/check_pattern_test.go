package stream

import (
	"regexp"
	"testing"
)

// FuzzPattern holds the direct match against package regexp.
func FuzzPattern(f *testing.F) {
	for _, source := range []string{
		`^[A-Z]{3}$`, `^a*b?[0-9]{2,}$`, `^[a-z0-9-]{1,8}$`, `^\d{4}-\d{2}-\d{2}$`, `^a?aa$`, `^(ab)+$`, `^[^x]*$`, `^a+?b$`,
		`^(?:a(?:b(?:c)?)?)?$`, `^[a-c]{0,3}[d-f]$`, `^[a-c]{0,3}d?[c-f]$`, `^a{2}{3}$`, `^(a{2}){2,3}$`, `(?i)^ab$`, `^\w+$`, `^é$`, `^.{3}$`, `^x*$`, `^(a|b){2}c$`, `^a{0}b$`, `^(a?){3}$`, `(?m)^a$`, `^(a+)+$`, `^(?:aa)*$`, `^(?:a{2,3})*b$`, `^(aa)*$`, `^b(aa)+$`, `^(aa)?$`, `^(a{2,3})*$`,
	} {
		for _, text := range []string{"", "a", "ab", "abc", "SEK", "aa", "aab12", "2026-01-31", "aaaa", "aaaaaa", "x", "é", "bbc", "abab", "a\n", "cccd", "aaa", "baaa", "ccd", "cd"} {
			f.Add(source, text)
		}
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		if len(source) > 200 || len(text) > 1000 {
			return
		}
		re, err := regexp.Compile(source)
		if err != nil {
			return
		}
		p := newPattern(source)
		if got, want := p.match([]byte(text)), re.MatchString(text); got != want {
			t.Errorf("%q matches %q: %v, want %v (runs %v)", source, text, got, want, len(p.runs))
		}
	})
}

// TestPatternIsDirect keeps which patterns do without the machine.
func TestPatternIsDirect(t *testing.T) {
	for source, want := range map[string]bool{
		`^[A-Z]{3}$`: true, `^\d{4}-\d{2}$`: true, `^[a-z][a-z0-9_]{0,62}$`: true, `^a*b?[0-9]{2,}$`: true, `^x_[0-9]+$`: true,
		`^a?aa$`: true, `^a?[ab]a$`: false, `[A-Z]{3}`: false, `^(ab|cd)$`: false, `^[^x]*$`: false, `(?i)^abc$`: false, `^é+$`: false,
	} {
		p := newPattern(source)
		if got := p.runs != nil; got != want {
			t.Errorf("%s is direct: %v, want %v", source, got, want)
		}
	}
}
