package sigma

// Code names a kind of finding. The list below is closed: tests hold every
// diagnostic to it, `rulewright list codes` prints it, and
// `# rulewright: ignore CODE reason` takes one.
type Code string
