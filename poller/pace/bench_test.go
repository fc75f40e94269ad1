package pace

import (
	"testing"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// BenchmarkRecord observes a job's end, without making a new plan.
func BenchmarkRecord(b *testing.B) {
	h := taught(1000, around(60, 10))
	k := h.own("bind_ldap")
	running, ended := honest.respond("bind_ldap", time.Minute, 55*time.Second), honest.respond("bind_ldap", time.Minute, 61*time.Second)
	var s schedule
	b.ReportAllocs()
	for b.Loop() {
		s = schedule{history: h}
		k.since = 0
		s.running(running)
		s.Observe(ended)
	}
}

// BenchmarkObserve observes a good poll.
func BenchmarkObserve(b *testing.B) {
	s := taught(100, around(60, 10)).BackOff().(*schedule)
	o := honest.respond("bind_ldap", time.Hour, 55*time.Second)
	b.ReportAllocs()
	for b.Loop() {
		s.Observe(o)
	}
}

// BenchmarkNextBackOff decides when to poll next.
func BenchmarkNextBackOff(b *testing.B) {
	s := taught(100, around(60, 10)).BackOff().(*schedule)
	s.Observe(honest.respond("bind_ldap", time.Hour, 55*time.Second))
	b.ReportAllocs()
	for b.Loop() {
		s.age = 55
		s.NextBackOff()
	}
}

func BenchmarkReplan(b *testing.B) {
	h := taught(1000, around(60, 10))
	s := h.BackOff().(*schedule)
	k := h.own("bind_ldap")
	o := honest.respond("bind_ldap", time.Hour, 55*time.Second)
	b.ReportAllocs()
	for b.Loop() {
		k.plan = nil
		s.Start(status.Job{Type: o.Job.Type}, 0)
	}
}
