-- wrk's requests, and its figures as a line of JSON. Arguments: "range SIZE BLOB_SIZE" for random ranges, or
-- "field NAME VALUE" for an additional header field.

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
    -- Made before the run, so that it does not include making them.
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
