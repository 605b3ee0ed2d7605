-- What wrk asks for, and its figures as a line of JSON. Arguments: "range SIZE BLOB_SIZE" for ranges at random, or
-- "field NAME VALUE" for one more header field.

local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("number", threads)
end

function init(arguments)
    if arguments[1] == "field" then wrk.headers[arguments[2]] = arguments[3] end
    if arguments[1] ~= "range" then return end
    math.randomseed(number)
    local size, whole = tonumber(arguments[2]), tonumber(arguments[3])
    -- Made before the run, so that what it costs to make them is not in it.
    local requests = {}
    for index = 1, 2000 do
        local first = math.random(0, whole - size)
        requests[index] = wrk.format("GET", wrk.path, {Host = wrk.headers["Host"],
            Range = string.format("bytes=%d-%d", first, first + size - 1)})
    end
    function request() return requests[math.random(1, #requests)] end
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format('{"requests":%d,"bytes":%d,"seconds":%f,"p99_us":%d,"errors":%d}', summary.requests,
        summary.bytes, summary.duration / 1e6, latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
