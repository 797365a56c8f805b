# compare.awk expected-failures RESULTS: says which results are unexpected; exit status 1 if any is.
FNR == NR {
    if ($1 == "fail" || $1 == "sometimes") expected[$2] = $1
    next
}
{
    name = $2
    sub(":$", "", name)
    seen[name] = 1
    if ($1 == "pass") {
        ++passed
        if (expected[name] == "fail") unexpected("passes, but is expected to fail: " name)
    } else {
        ++failed
        if (!(name in expected)) unexpected("fails: " name)
    }
}
function unexpected(text) {
    print "unexpected: " text
    status = 1
}
END {
    for (name in expected) if (!(name in seen)) unexpected("was not run: " name)
    if (passed == 0) unexpected("nothing has passed")
    print passed + 0 " passed, " failed + 0 " failed" (status ? "" : ", as expected")
    exit status
}
