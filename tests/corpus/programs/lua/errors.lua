local function deep(n) if n == 0 then error("bottom") end return 1 + deep(n - 1) end
for _ = 1, 50 do assert(not pcall(deep, 100)) end
print(select(2, pcall(deep, 10)))
print(pcall(function() local t = nil; return t.x end))
print(select("#", xpcall(function() return 1, 2, 3 end, debug.traceback)))
local function overflow() return 1 + overflow() end
print((select(2, pcall(overflow)):gsub("\n.*", "")))
print(load("return 1 +"))
goto done
print("not reached")
::done::
do local closed <close> = setmetatable({}, {__close = function() print("closed") end}) end
