package sigma

import "gopkg.in/yaml.v3"

// nativeKeys are the top-level keys of native documents, beside those of Sigma.
var nativeKeys = natively[Document]()

// parseNative checks what concerns several keys of a native document, after
// all of them were read.
func parseNative(l *loader, n *yaml.Node, doc *Document) {}
