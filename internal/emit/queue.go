package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// A queue with the jobs on it.
type queue struct {
	*gotypes.Queue
	jobs []*gotypes.Job
}

// usedQueues returns the queues that have jobs.
func usedQueues(pkg *gotypes.Package) []queue {
	byValue := make(map[string][]*gotypes.Job)
	for _, job := range pkg.Jobs {
		byValue[job.Queue] = append(byValue[job.Queue], job)
	}
	var used []queue
	for _, q := range pkg.Queues {
		if jobs := byValue[q.Value]; len(jobs) > 0 {
			used = append(used, queue{q, jobs})
		}
	}
	return used
}

// queueConst returns the constant of the queue that a job is on.
func queueConst(pkg *gotypes.Package, job *gotypes.Job) string {
	for _, q := range pkg.Queues {
		if q.Value == job.Queue {
			return q.Name + "Queue"
		}
	}
	return ""
}

// queueConsts adds a constant for each queue.
func queueConsts(f *jen.File, pkg *gotypes.Package) {
	if len(pkg.Queues) == 0 {
		return
	}
	f.Line().Add(comment("The queues.").Const().DefsFunc(func(g *jen.Group) {
		for _, q := range pkg.Queues {
			g.Add(comment(q.Doc).Id(q.Name + "Queue").Op("=").Lit(q.Value))
		}
	}))
}

// queueCode adds the interface of the handlers of one queue, and what sets them.
func queueCode(f *jen.File, q queue) {
	name := q.Name + "QueueHandlers"
	f.Line().Add(comment(fmt.Sprintf("%s handles every job type on [%sQueue].", name, q.Name)).
		Type().Id(name).InterfaceFunc(func(g *jen.Group) {
		for _, job := range q.jobs {
			g.Id("Handle" + job.Name).Params(handlerParams(job, true)...).Error()
			if len(upgradesOf(job)) > 0 {
				g.Id(upgradesType(job))
			}
		}
	}))
	handle := "Handle" + q.Name + "Queue"
	f.Line().Add(comment(fmt.Sprintf("%s sets the handlers of all job types on [%sQueue], for\na worker of that queue.", handle, q.Name)).
		Func().Id(handle).Params(jen.Id("mux").Op("*").Qual(runtimePath, "Mux"), jen.Id("handlers").Id(name)).
		BlockFunc(func(g *jen.Group) {
			for _, job := range q.jobs {
				arguments := []jen.Code{jen.Id("mux"), jen.Id("handlers").Dot("Handle" + job.Name)}
				if len(upgradesOf(job)) > 0 {
					arguments = append(arguments, jen.Id("handlers"))
				}
				g.Id("Handle" + job.Name).Call(arguments...)
			}
		}))
}
