package compiler

import _ "github.com/google/cel-go/cel" // the CEL library comes here
