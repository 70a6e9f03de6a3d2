-- origin.lua: where sockets are read from: of any options those that core.take asks with.

return function(options)
  return {backend = options.backend, proc = options.proc, netns = options.netns}
end
