-- Sends requests sixteen at a time, without waiting for their answers.
local depth = 16
local batch

function init(arguments)
   local requests = {}
   for i = 1, depth do
      requests[i] = wrk.format()
   end
   batch = table.concat(requests)
end

function request()
   return batch
end
