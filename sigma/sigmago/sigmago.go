// Package sigmago turns rules already parsed by github.com/bradleyjkemp/sigma-go
// into Documents, so that its users can move over without rewriting a rule.
package sigmago

import _ "github.com/bradleyjkemp/sigma-go" // From comes here
