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

	f.Line().Add(comment(`Handlers handles every job type of this package. What lacks a method for one
does not compile where [HandleAll] is given it.`).
		Type().Id("Handlers").InterfaceFunc(func(g *jen.Group) {
		for _, job := range pkg.Jobs {
			g.Id("Handle" + job.Name).Params(handlerParams(job, true)...).Error()
		}
	}))

	f.Line().Add(comment("HandleAll sets the handler of every job type of this package.").
		Func().Id("HandleAll").Params(jen.Id("mux").Op("*").Qual(runtimePath, "Mux"), jen.Id("handlers").Id("Handlers")).
		BlockFunc(func(g *jen.Group) {
			for _, job := range pkg.Jobs {
				g.Id("Handle"+job.Name).Call(jen.Id("mux"), jen.Id("handlers").Dot("Handle"+job.Name))
			}
		}))
	return f
}
