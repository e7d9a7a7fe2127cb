package enrich

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

const (
	redirectsMax = 3
	pauseMin     = 50 * time.Millisecond // before the first retry; each pause doubles the one before
	pauseMax     = time.Second
)

// An endpoint asks an HTTP service with GET.
type endpoint struct {
	client  *http.Client
	own     *http.Transport // nil when the client was given
	url     template        // with {} for the value
	timeout time.Duration   // of one try
	retries int
	names   []string
	fields  []stream.Field
}

func newEndpoint(declared stream.Lookup, fields []stream.Field, o Options) (*endpoint, error) {
	address, err := newTemplate(declared.HTTP.URL, o.Secrets)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if !address.secret() { // else it is checked once it is known
		if err := checkAddress(address.text); err != nil {
			return nil, err
		}
	}
	h := &endpoint{
		url: address, timeout: declared.Timeout,
		retries: declared.HTTP.Retries, fields: fields,
	}
	for _, a := range declared.Add {
		h.names = append(h.names, a.From)
	}
	client := http.Client{}
	if o.HTTPClient != nil {
		client = *o.HTTPClient
	} else {
		h.own = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			MaxConnsPerHost: concurrencyMax, MaxIdleConnsPerHost: concurrencyMax,
			IdleConnTimeout: time.Minute, TLSHandshakeTimeout: h.timeout,
		}
		client.Transport = h.own
	}
	client.CheckRedirect = stayHome
	h.client = &client
	return h, nil
}

// checkAddress makes sure that a value can only ever come into the path and
// the query.
func checkAddress(template string) error {
	const mark = "x-value-x"
	u, err := url.Parse(strings.ReplaceAll(template, "{}", mark))
	switch {
	case err != nil:
		return errors.New("url cannot be parsed") // the error would show it, with what the environment put in
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("url must begin with http:// or https:// and a host")
	case strings.Contains(u.Host, mark) || u.User != nil && strings.Contains(u.User.String(), mark):
		return errors.New("{} may only stand in the url's path or query")
	case !strings.Contains(u.EscapedPath(), mark) && !strings.Contains(u.RawQuery, mark):
		return errors.New("url has no {} in its path or query for the value")
	}
	return nil
}

// A redirectError is a redirect that is not followed; asking again leads to it
// again.
type redirectError string

func (e redirectError) Error() string { return string(e) }

// stayHome lets redirects through that stay with the same scheme and host: the
// stream's author named that host and no other.
func stayHome(to *http.Request, via []*http.Request) error {
	from := via[0].URL
	switch {
	case to.URL.Scheme != from.Scheme || to.URL.Host != from.Host:
		return redirectError(fmt.Sprintf("redirect to %s://%s refused; name that in the look-up's url", to.URL.Scheme, to.URL.Host))
	case len(via) > redirectsMax:
		return redirectError(fmt.Sprintf("more than %d redirects", redirectsMax))
	}
	return nil
}

func (h *endpoint) close() error {
	if h.own != nil {
		h.own.CloseIdleConnections()
	}
	return nil
}

func (h *endpoint) patience() time.Duration {
	return time.Duration(h.retries+1)*h.timeout + time.Duration(h.retries)*pauseMax
}

// A passingError is a failure that may be over soon.
type passingError struct{ error }

func (e passingError) Unwrap() error { return e.error }

func (h *endpoint) ask(ctx context.Context, v penstock.Value) ([]penstock.Value, error) {
	pause := pauseMin
	renewed := false
	for try := 0; ; try++ {
		row, err := h.askOnce(ctx, v)
		if errors.Is(err, errRefused) && h.url.secret() && !renewed {
			h.url.forget()
			renewed = true
			row, err = h.askOnce(ctx, v)
		}
		if err == nil || try == h.retries || !errors.As(err, &passingError{}) {
			return row, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		}
		pause = min(2*pause, pauseMax)
	}
}

// askOnce makes one try, with the secrets as they are.
func (h *endpoint) askOnce(ctx context.Context, v penstock.Value) ([]penstock.Value, error) {
	template := h.url.text
	if h.url.secret() {
		var err error
		if template, err = h.url.expand(ctx); err != nil {
			return nil, err
		}
		if err := checkAddress(template); err != nil {
			return nil, err
		}
	}
	address, ok := addressOf(template, v.String())
	if !ok {
		return nil, nil
	}
	return h.get(ctx, address)
}

// errRefused says that the service does not take our word for who asks.
var errRefused = errors.New("it refuses who asks")

// addressOf is the URL that asks for a value, with everything escaped that is not
// a letter, a digit or one of -._~. There is none for an empty value, which would
// ask for the whole collection, nor for one that a server which unescapes before
// it splits the path would take for more, or for less, than its one segment.
func addressOf(template, value string) (string, bool) {
	path, _, _ := strings.Cut(template, "?")
	if value == "" || strings.Contains(path, "{}") && strings.ContainsAny(value, `/\`) {
		return "", false
	}
	escaped := strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	for segment := range strings.SplitSeq(strings.ReplaceAll(path, "{}", escaped), "/") {
		if segment == "." || segment == ".." {
			return "", false
		}
	}
	return strings.ReplaceAll(template, "{}", escaped), true
}

// get makes one try.
func (h *endpoint) get(ctx context.Context, address string) ([]penstock.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, valueError{errors.New("get: the value makes no valid url")}
	}
	request.Header.Set("Accept", "application/json")
	response, err := h.client.Do(request)
	if err != nil {
		// Without the URL, which holds the event's value.
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		err = fmt.Errorf("get from %s: %w", request.URL.Host, err)
		if errors.As(err, new(redirectError)) {
			return nil, err
		}
		return nil, passingError{err}
	}
	defer response.Body.Close()
	row, err := h.read(response)
	if err != nil {
		return nil, fmt.Errorf("get from %s: %w", request.URL.Host, err)
	}
	return row, nil
}

// read reads an answer: an object, or nil where the service knows of none.
func (h *endpoint) read(response *http.Response) ([]penstock.Value, error) {
	body := io.LimitReader(response.Body, answerBytesMax+1)
	if response.StatusCode != http.StatusOK {
		io.Copy(io.Discard, body) // so that the connection can be used again
		return nil, refusal(response)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, passingError{fmt.Errorf("read its answer: %w", err)}
	}
	if len(data) > answerBytesMax {
		return nil, valueError{fmt.Errorf("its answer is longer than %d bytes", answerBytesMax)}
	}
	row, err := h.decode(data)
	if err != nil {
		return nil, valueError{err}
	}
	return row, nil
}

// refusal is the failure that a status other than 200 says; nil for 404 and 410.
func refusal(response *http.Response) error {
	switch code := response.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		return nil
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		return passingError{fmt.Errorf("it answers %s", response.Status)}
	case code == http.StatusBadRequest || code == http.StatusRequestURITooLong || code == http.StatusUnprocessableEntity ||
		code == http.StatusRequestHeaderFieldsTooLarge:
		return valueError{fmt.Errorf("it answers %s to this value", response.Status)}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("%w: %s", errRefused, response.Status)
	}
	return fmt.Errorf("it answers %s; wanted 200 with an object, or 404", response.Status)
}

func (h *endpoint) decode(data []byte) ([]penstock.Value, error) {
	dec := jsontext.NewDecoder(strings.NewReader(string(data)))
	if dec.PeekKind() != '{' {
		return nil, errors.New("its answer is not a JSON object")
	}
	members := make([][]byte, len(h.names))
	if err := readObject(dec, h.names, members); err != nil {
		return nil, fmt.Errorf("its answer: %w", err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("its answer has more behind the JSON object")
	}
	row := make([]penstock.Value, len(h.names))
	for i, member := range members {
		if member == nil {
			continue
		}
		v, err := fromJSON(h.fields[i], member)
		if err != nil {
			return nil, fmt.Errorf("its answer: %w", err)
		}
		row[i] = v
	}
	return row, nil
}
