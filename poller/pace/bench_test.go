package pace

import (
	"testing"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// BenchmarkRecord is a job's end that is told, without making another plan.
func BenchmarkRecord(b *testing.B) {
	h := taught(1000, around(60, 10))
	k := h.own("bind_ldap")
	running, ended := honest.answer("bind_ldap", time.Minute, 55*time.Second), honest.answer("bind_ldap", time.Minute, 61*time.Second)
	var s schedule
	b.ReportAllocs()
	for b.Loop() {
		s = schedule{history: h}
		k.since = 0
		s.notYet(running)
		s.Observe(ended)
	}
}

// BenchmarkObserve is a good poll that is told.
func BenchmarkObserve(b *testing.B) {
	s := taught(100, around(60, 10)).BackOff().(*schedule)
	o := honest.answer("bind_ldap", time.Hour, 55*time.Second)
	b.ReportAllocs()
	for b.Loop() {
		s.Observe(o)
	}
}

// BenchmarkNextBackOff is a poll's decision.
func BenchmarkNextBackOff(b *testing.B) {
	s := taught(100, around(60, 10)).BackOff().(*schedule)
	s.Observe(honest.answer("bind_ldap", time.Hour, 55*time.Second))
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
	o := honest.answer("bind_ldap", time.Hour, 55*time.Second)
	b.ReportAllocs()
	for b.Loop() {
		k.plan = nil
		s.Start(status.Job{Type: o.Job.Type}, 0)
	}
}
