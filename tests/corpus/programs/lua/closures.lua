local function counter(step)
  local n = 0
  return function() n = n + step; return n end
end
local a, b = counter(1), counter(7)
for _ = 1, 1000 do a(); b() end
print(a(), b())

local function compose(...)
  local fs = {...}
  return function(x)
    for i = #fs, 1, -1 do x = fs[i](x) end
    return x
  end
end
print(compose(function(x) return x * 2 end, function(x) return x + 3 end)(4))

local Account = {}
Account.__index = Account
Account.__add = function(x, y) return setmetatable({v = x.v + y.v}, Account) end
Account.__tostring = function(x) return "account " .. x.v end
Account.__call = function(x, y) return x.v * y end
local sum = setmetatable({v = 0}, Account)
for i = 1, 200 do sum = sum + setmetatable({v = i}, Account) end
print(tostring(sum), sum(3), select("#", table.unpack({1, 2, 3})))
