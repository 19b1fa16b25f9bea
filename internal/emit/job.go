package emit

import (
	"fmt"
	"strconv"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/jobgen/jobgen/internal/gotypes"
)

// definition is the name of the variable that holds a job's definition.
func definition(job *gotypes.Job) string { return "job" + job.Name }

// jobCode returns the file of one job.
func jobCode(pkg *gotypes.Package, job *gotypes.Job) *jen.File {
	f := newFile(pkg, job.Fields...)
	payload := job.Name + "Job"
	kind := oneLine(job.Type)

	f.Add(comment(fmt.Sprintf("%sType is the type of %s jobs.", payload, kind)).
		Const().Id(payload+"Type").Qual(runtimePath, "JobType").Op("=").Lit(job.Type))
	if queue := queueConst(pkg, job); queue != job.Name+"Queue" {
		f.Line().Add(comment(fmt.Sprintf("%sQueue is the queue of %s jobs.", job.Name, kind)).
			Const().Id(job.Name + "Queue").Op("=").Id(queue))
	}
	f.Line().Add(comment(fmt.Sprintf("%sOptions are what %s jobs have unless Enqueue is given others.", payload, kind)).
		Var().Id(payload+"Options").Op("=").Index().Qual(runtimePath, "JobOption").Add(multiLine("{", "}", options(job)...)))
	f.Line().Var().Id(definition(job)).Op("=").Op("&").Qual(runtimePath, "Definition").Add(multiLine("{", "}", definitionFields(job, payload)...))

	about := "%s is the payload of %s jobs."
	if !hasPayload(job) {
		about = "%s is the payload of %s jobs: none."
	}
	f.Line().Add(comment(paragraphs(fmt.Sprintf(about, payload, kind), job.Doc)).
		Type().Id(payload).Add(structType(job.Fields)))
	codecCode(f, payload, job.Fields)
	if hasPayload(job) {
		f.Line().Add(constructor(job, payload))
	}
	enqueueCode(f, job, payload)
	upgradesCode(f, job)

	name := "Handle" + job.Name
	params := []jen.Code{jen.Id("mux").Op("*").Qual(runtimePath, "Mux"), jen.Id("handler").Add(handlerType(job))}
	arguments := []jen.Code{jen.Id(definition(job)), jen.Id("handler")}
	about = "%s sets the handler of %s jobs."
	if upgrades := upgradesOf(job); len(upgrades) > 0 {
		params = append(params, jen.Id("upgrades").Id(upgradesType(job)))
		for _, u := range upgrades {
			arguments = append(arguments, jen.Qual(runtimePath, "UpgradeFrom").Call(jen.Lit(int(u.from)), jen.Id("upgrades").Dot(u.method)))
		}
		about = "%s sets the handler of %s jobs, and the upgrades of\nthose that wait with a payload of a previous version."
	}
	f.Line().Add(comment(fmt.Sprintf(about, name, kind)).
		Func().Id(name).Params(params...).Block(jen.Id("mux").Dot("Handle").Call(arguments...)))
	return f
}

// hasPayload reports whether a job has fields. One that has none is enqueued
// and handled without a payload.
func hasPayload(job *gotypes.Job) bool { return len(job.Fields) > 0 }

// enqueueCode adds the functions that enqueue a job. Many of a job that has no
// payload would all be the same, so it has no batch.
func enqueueCode(f *jen.File, job *gotypes.Job, payload string) {
	ctx := jen.Id("ctx").Qual("context", "Context")
	service := jen.Id("service").Qual(runtimePath, "JobService")
	opts := jen.Id("opts").Op("...").Qual(runtimePath, "JobOption")
	id := jen.Qual(snowflakePath, "ID")

	name := "Enqueue" + job.Name
	if !hasPayload(job) {
		f.Line().Add(comment(name+" adds one job, which has no payload, and returns its id.").
			Func().Id(name).Params(ctx, service, opts).Params(id, jen.Error()).
			Block(jen.Return(jen.Qual(runtimePath, "Enqueue").
				Call(jen.Id("ctx"), jen.Id("service"), jen.Id(definition(job)), jen.Op("&").Id(payload).Values(), jen.Id("opts").Op("...")))))
		return
	}
	f.Line().Add(comment(name+" adds one job and returns its id.").
		Func().Id(name).Params(ctx, service, jen.Id("payload").Id(payload), opts).Params(id, jen.Error()).
		Block(jen.Return(jen.Qual(runtimePath, "Enqueue").
			Call(jen.Id("ctx"), jen.Id("service"), jen.Id(definition(job)), jen.Op("&").Id("payload"), jen.Id("opts").Op("...")))))

	f.Line().Add(comment(job.Batch()+" adds one job per payload, all or none where the store can.").
		Func().Id(job.Batch()).Params(ctx, service, jen.Id("payloads").Index().Id(payload), opts).Params(jen.Index().Add(id), jen.Error()).
		Block(jen.Return(jen.Qual(runtimePath, "EnqueueBatch").
			Call(jen.Id("ctx"), jen.Id("service"), jen.Id(definition(job)), jen.Id("payloads"), jen.Id("opts").Op("...")))))
}

// definitionFields returns what the literal of a job's definition holds. But
// for upgrades nothing of it has to be computed when a program starts.
func definitionFields(job *gotypes.Job, payload string) []jen.Code {
	field := func(name string, value *jen.Statement) jen.Code { return jen.Id(name).Op(":").Add(value) }
	arguments := []jen.Code{jen.Id("ctx"), jen.Id("job")}
	unused := "_" // the name of what a handler without payload does not get
	if hasPayload(job) {
		unused = "payload"
		arguments = append(arguments, jen.Op("*").Id("payload").Assert(jen.Op("*").Id(payload)))
	}
	fields := []jen.Code{
		jen.Add(field("Type", jen.Id(payload+"Type"))).Op(",").Add(field("Queue", jen.Id(job.Name+"Queue"))).Op(",").Add(field("Options", jen.Id(payload+"Options"))),
		field("Payload", jen.Parens(jen.Op("*").Id(payload)).Call(jen.Nil())),
		field("Handler", jen.Parens(handlerType(job)).Call(jen.Nil())),
		field("Call", jen.Func().Params(
			jen.Id("ctx").Qual("context", "Context"), jen.Id("handler").Any(), jen.Id("job").Op("*").Qual(runtimePath, "Job"), jen.Id(unused).Any(),
		).Error().Block(jen.Return(jen.Id("handler").Assert(handlerType(job)).Call(arguments...)))),
	}
	if job.Version > 1 {
		fields = append(fields, field("Version", jen.Lit(int(job.Version))))
	}
	if upgrades := upgradesFrom(job, payload); len(upgrades) > 0 {
		fields = append(fields, field("Upgrades", jen.Index().Qual(runtimePath, "Upgrade").Add(multiLine("{", "}", upgrades...))))
	}
	return fields
}

// handlerType returns the type of a job's handler.
func handlerType(job *gotypes.Job) *jen.Statement {
	return jen.Func().Params(handlerParams(job, false)...).Error()
}

// handlerParams returns the parameters of a job's handler.
func handlerParams(job *gotypes.Job, withNames bool) []jen.Code {
	params := []*jen.Statement{
		jen.Qual("context", "Context"), jen.Op("*").Qual(runtimePath, "Job"),
	}
	if hasPayload(job) {
		params = append(params, jen.Id(job.Name+"Job"))
	}
	code := make([]jen.Code, len(params))
	for i, name := range []string{"ctx", "job", "payload"}[:len(params)] {
		code[i] = params[i]
		if withNames {
			code[i] = jen.Id(name).Add(params[i])
		}
	}
	return code
}

// constructor returns the function that takes every required field.
func constructor(job *gotypes.Job, payload string) *jen.Statement {
	var params, values []jen.Code
	optional, defaulted := false, false
	for _, f := range job.Fields {
		switch {
		case f.Default != nil:
			defaulted = true
			values = append(values, jen.Id(f.Name).Op(":").Add(defaultValue(f.Default)))
			continue
		case f.Type.Optional:
			optional = true
			continue
		}
		params = append(params, jen.Id(f.Param).Add(goType(f.Type)))
		values = append(values, jen.Id(f.Name).Op(":").Id(f.Param))
	}
	doc := "New" + payload + " takes every required field"
	if optional {
		doc += "; set the optional ones on what it returns"
	}
	if len(params) == 0 {
		doc = "New" + payload + " returns a payload; no field is required"
	}
	if defaulted {
		doc += ".\nWhat has a default is set to that"
	}
	return comment(doc + ".").
		Func().Id("New" + payload).Params(params...).Id(payload).
		Block(jen.Return(jen.Id(payload).Add(literal(values))))
}

// literal returns the body of a struct literal, on one line while it is short.
func literal(values []jen.Code) *jen.Statement {
	if len(values) <= 3 {
		return jen.Values(values...)
	}
	return multiLine("{", "}", values...)
}

// duration returns d in the largest unit that keeps it whole.
func duration(d time.Duration) *jen.Statement {
	if d == 0 {
		return jen.Lit(0)
	}
	for _, unit := range []struct {
		size time.Duration
		name string
	}{
		{time.Hour, "Hour"},
		{time.Minute, "Minute"},
		{time.Second, "Second"},
		{time.Millisecond, "Millisecond"},
		{time.Microsecond, "Microsecond"},
	} {
		if d%unit.size != 0 {
			continue
		}
		if d == unit.size {
			return jen.Qual("time", unit.name)
		}
		return jen.Op(strconv.FormatInt(int64(d/unit.size), 10)).Op("*").Qual("time", unit.name)
	}
	return jen.Op(strconv.FormatInt(int64(d), 10)).Op("*").Qual("time", "Nanosecond")
}
