package compiler

import _ "gopkg.in/yaml.v3" // pipelines come here
