# Sourced. new_since [BASE]: the commit from which on all is new: BASE, or where origin/main and we part,
# or the commit before the last. Nothing if the checkout does not have it.
new_since() {
    local head base=${1:-}
    head=$(git rev-parse HEAD)
    [[ -n $base ]] || base=$(git merge-base HEAD origin/main 2>/dev/null || true)
    [[ -n $base && $(git rev-parse --verify --quiet "$base^{commit}") != "$head" ]] || base=HEAD~1
    git rev-parse --verify --quiet "$base^{commit}" || true
}
