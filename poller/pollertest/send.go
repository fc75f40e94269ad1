package pollertest

import (
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// send sends a, as far as the rule lets it. n is the request's number.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a response, rule Rule, n int) {
	if rule.Delay > 0 {
		delay := time.NewTimer(rule.Delay)
		defer delay.Stop()
		select {
		case <-delay.C:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		case <-s.closed:
			panic(http.ErrAbortHandler)
		}
	}
	promised, sent := len(a.body), min(rule.After, len(a.body))
	switch rule.Break {
	case "":
		sent = promised
	case Cut:
		if rule.After == 0 {
			sent = promised / 2
		}
		promised = sent
	default:
		promised = max(promised, sent+1) // otherwise the client would not notice
	}
	if rule.Break == "" || rule.Break == Cut || rule.After > 0 {
		s.responded(n, a.status) // first, so that Requests has it once the client has the response
		maps.Copy(w.Header(), a.header)
		if a.status != http.StatusNoContent && a.status != http.StatusNotModified {
			w.Header().Set("Content-Length", strconv.Itoa(promised))
		}
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body[:sent]) // the client may be gone
	}
	if rule.Break == "" || rule.Break == Cut {
		return
	}
	rc := http.NewResponseController(w)
	if rule.After > 0 {
		_ = rc.Flush() // ErrAbortHandler would drop it
	}
	switch rule.Break {
	case Hang:
		select {
		case <-r.Context().Done():
		case <-s.closed:
		}
	case Reset:
		if conn, _, err := rc.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // so that Close sends RST, not FIN
			}
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler) // closes the connection, and logs nothing
}
