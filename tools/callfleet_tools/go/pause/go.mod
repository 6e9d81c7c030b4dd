// What holds a pod's namespaces: the standard library and nothing else.
module callfleet.invalid/pause

go 1.26.0
