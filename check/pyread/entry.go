package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// routes are the methods of applications and routers whose decorators make a
// function a request handler.
var routes = map[string]bool{
	"route": true, "get": true, "post": true, "put": true, "delete": true, "patch": true, "head": true, "options": true,
	"websocket": true, "api_route": true, "before_request": true, "after_request": true, "errorhandler": true, "add_url_rule": true,
}

// views are decorators, by their last name, of Django and its relatives.
var views = map[string]bool{
	"api_view": true, "require_http_methods": true, "require_GET": true, "require_POST": true, "csrf_exempt": true,
	"login_required": true, "permission_required": true, "view_config": true, "never_cache": true,
}

// tasks are decorators of job queues: what they decorate runs many at a time.
var tasks = map[string]bool{"task": true, "shared_task": true, "actor": true, "job": true}

// entry says how a function is entered from outside.
func (r *reader) entry(f *function) ir.Entry {
	name := f.node.Name
	switch {
	case strings.HasPrefix(name, "test_") || f.class != nil && (name == "setUp" || name == "tearDown"):
		return ir.Test
	case f.handles():
		return ir.Handler
	case f.outer != nil && !f.outer.top():
		return ir.Inner
	case strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "__"), f.ir.Maker:
		return ir.Inner
	case f.class != nil && strings.HasPrefix(f.class.name, "_"):
		return ir.Inner
	}
	return ir.API
}

// handles reports whether a server calls the function for each request.
func (f *function) handles() bool {
	for _, d := range f.node.Decorators {
		call, called := d.(*syntax.Call)
		if called {
			d = call.Func
		}
		switch d := d.(type) {
		case *syntax.Attribute:
			if called && routes[d.Attr] || views[d.Attr] || tasks[d.Attr] {
				return true
			}
		case *syntax.Name:
			if views[d.ID] || tasks[d.ID] {
				return true
			}
		}
	}
	name := f.node.Name
	if f.class == nil {
		first := f.args.Args
		return len(first) > 0 && first[0].Name == "request" && f.outer.top()
	}
	if strings.HasPrefix(name, "do_") && strings.ToUpper(name[3:]) == name[3:] {
		return true
	}
	if !routes[name] && name != "dispatch" && name != "handle" {
		return false
	}
	for _, b := range f.class.node.Bases {
		text := f.module.text(b)
		if strings.HasSuffix(text, "View") || strings.HasSuffix(text, "ViewSet") || strings.HasSuffix(text, "Resource") ||
			strings.HasSuffix(text, "RequestHandler") || strings.HasSuffix(text, "HTTPEndpoint") {
			return true
		}
	}
	return false
}
