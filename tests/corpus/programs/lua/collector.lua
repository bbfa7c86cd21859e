local weak = setmetatable({}, {__mode = "v"})
local finalized = 0
for i = 1, 400 do
  weak[i] = {i, {i}}
  setmetatable({}, {__gc = function() finalized = finalized + 1 end})
end
collectgarbage(); collectgarbage()
local left = 0
for _ in pairs(weak) do left = left + 1 end
print(left, finalized)
collectgarbage("generational")
local list
for i = 1, 4000 do list = {next = i % 100 ~= 0 and list or nil, value = i} end
collectgarbage("incremental")
collectgarbage("step", 100)
print(list.value, collectgarbage("count") < 200)
