package event

import _ "github.com/klauspost/compress/zstd" // readers come here
