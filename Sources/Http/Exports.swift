// Users write one import: methods, statuses, fields and URLs come with `Http`.

@_exported public import HttpWire
