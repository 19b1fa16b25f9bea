package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// packageCode returns the file of what the package has once: its doc, the
// catalogue and the interface of all handlers.
func packageCode(pkg *gotypes.Package) *jen.File {
	f := newFile(pkg)
	for _, line := range []string{
		"Package " + pkg.Name + " holds the job types of " + oneLine(pkg.Source) + ": for each a payload, a",
		"constructor, and the functions that enqueue and handle it.",
	} {
		f.PackageComment(commentLine(line))
	}

	f.Add(comment(`This does not compile with a runtime that the code was not made for: bring
jobgen and runtime to the same version and generate again.`).
		Const().Id("_").Op("=").Qual(runtimePath, "GeneratedV1"))

	defs := make([]jen.Code, len(pkg.Jobs))
	for i, job := range pkg.Jobs {
		defs[i] = jen.Id(definition(job))
	}
	f.Line().Add(comment("Catalogue holds every job type of this package. A store is opened with it.").
		Var().Id("Catalogue").Op("=").Qual(runtimePath, "NewCatalogue").Add(multiLine("(", ")", defs...)))

	queues := usedQueues(pkg)
	queueConsts(f, pkg)
	f.Line().Add(comment(`Handlers handles every job type of this package. A type that lacks one of the
methods cannot be passed to [HandleAll].`).
		Type().Id("Handlers").InterfaceFunc(func(g *jen.Group) {
		for _, q := range queues {
			g.Id(q.Name + "QueueHandlers")
		}
	}))
	f.Line().Add(comment("HandleAll sets the handlers of all job types of this package.").
		Func().Id("HandleAll").Params(jen.Id("mux").Op("*").Qual(runtimePath, "Mux"), jen.Id("handlers").Id("Handlers")).
		BlockFunc(func(g *jen.Group) {
			for _, q := range queues {
				g.Id("Handle"+q.Name+"Queue").Call(jen.Id("mux"), jen.Id("handlers"))
			}
		}))
	for _, q := range queues {
		queueCode(f, q)
	}
	return f
}
