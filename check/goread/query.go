package goread

import "golang.org/x/tools/go/packages"

func (r *reader) lowerQueries([]*packages.Package) {}
