package schedule

// A Job is the caller's number of a job. Numbers begin at 0 and should be dense, because memory
// goes by the largest one; the number of a job that was removed may be used for another.
type Job int32

// A queue holds jobs by the time they are due, in a heap, and those that were taken out of it to be
// ranked, in a pool. The place of each job is known, so that it can be moved and removed. The heap
// has four children to a node: half as many levels as with two, and the children lie side by side.
type queue struct {
	heap []entry
	pool []Job
	at   []int32 // where each job is: i+1 in the heap, -i-1 in the pool, 0 in neither
}

// An entry lies in the heap by value: a comparison follows no pointer.
type entry struct {
	due int64
	job Job
}

const children = 4

func (q *queue) has(job Job) bool { return int(job) < len(q.at) && q.at[job] != 0 }

func (q *queue) len() int { return len(q.heap) + len(q.pool) }

// first returns the job of the heap that is due first.
func (q *queue) first() (e entry, ok bool) {
	if len(q.heap) == 0 {
		return e, false
	}
	return q.heap[0], true
}

// count returns how many jobs are due.
func (q *queue) count(now int64) int {
	n := len(q.pool)
	for open := []int{0}; len(open) > 0; {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if i >= len(q.heap) || q.heap[i].due > now {
			continue // so are its children
		}
		n++
		for child := children*i + 1; child <= children*(i+1); child++ {
			open = append(open, child)
		}
	}
	return n
}

// due returns when a job of the heap is due.
func (q *queue) due(job Job) (at int64, ok bool) {
	if !q.has(job) {
		return 0, false
	}
	return q.heap[q.at[job]-1].due, true
}

// put adds a job, or moves it.
func (q *queue) put(job Job, due int64) {
	q.remove(job)
	for int(job) >= len(q.at) {
		q.at = append(q.at, 0)
	}
	q.heap = append(q.heap, entry{due, job})
	q.up(len(q.heap)-1, entry{due, job})
}

// remove removes a job if it is there.
func (q *queue) remove(job Job) {
	if !q.has(job) {
		return
	}
	at := q.at[job]
	q.at[job] = 0
	if at < 0 {
		i, last := int(-at-1), len(q.pool)-1
		if i != last {
			q.pool[i] = q.pool[last]
			q.at[q.pool[i]] = at
		}
		q.pool = shrunk(q.pool[:last])
		return
	}
	i, last := int(at-1), len(q.heap)-1
	moved := q.heap[last]
	q.heap = shrunk(q.heap[:last])
	if i == last {
		return
	}
	if i > 0 && moved.due < q.heap[(i-1)/children].due {
		q.up(i, moved)
	} else {
		q.down(i, moved)
	}
}

// gather moves all that are due from the heap to the pool.
func (q *queue) gather(now int64) {
	for len(q.heap) > 0 && q.heap[0].due <= now {
		job := q.heap[0].job
		q.remove(job)
		q.pool = append(q.pool, job)
		q.at[job] = int32(-len(q.pool)) //nolint:gosec // a Job is an int32
	}
}

// up places e at i or above, where it is not before its parent.
func (q *queue) up(i int, e entry) {
	for i > 0 {
		parent := (i - 1) / children
		if q.heap[parent].due <= e.due {
			break
		}
		q.set(i, q.heap[parent])
		i = parent
	}
	q.set(i, e)
}

// down places e at i or below, where none of its children is before it.
func (q *queue) down(i int, e entry) {
	for {
		first := children*i + 1
		if first >= len(q.heap) {
			break
		}
		least := first
		for k := first + 1; k < min(first+children, len(q.heap)); k++ {
			if q.heap[k].due < q.heap[least].due {
				least = k
			}
		}
		if e.due <= q.heap[least].due {
			break
		}
		q.set(i, q.heap[least])
		i = least
	}
	q.set(i, e)
}

func (q *queue) set(i int, e entry) {
	q.heap[i] = e
	q.at[e.job] = int32(i + 1) //nolint:gosec // a Job is an int32
}

// shrunk returns list in half the memory once three quarters of it are free: after a million jobs
// it would otherwise stay as large for ever.
func shrunk[E any](list []E) []E {
	if cap(list) < 1024 || len(list) > cap(list)/4 {
		return list
	}
	return append(make([]E, 0, cap(list)/2), list...)
}
