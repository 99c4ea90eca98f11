#!/bin/sh
# Formatting, layers, clang-tidy, cppcheck. Any finding is an error.
set -eu
cd "$(dirname "$0")/.."
files=$(git ls-files 'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h' 'tools/*.c')
echo "clang-format"
clang-format --dry-run -Werror $files
python3 tests/layers.py
cmake --preset clang >build-clang.log 2>&1 || { cat build-clang.log; exit 1; }
rm -f build-clang.log
# Generated sources must be there before they are looked at.
ninja -C build/clang -t targets all 2>/dev/null | sed -n 's/^\(.*generated[^:]*\):.*/\1/p' | head -20 | xargs -r ninja -C build/clang >/dev/null
echo "clang-tidy"
git ls-files 'src/*.c' | xargs -P "$(nproc)" -n 6 clang-tidy -p build/clang --quiet >build/clang-tidy.log 2>/dev/null || {
    grep -E 'error:|warning:' build/clang-tidy.log | sort -u | head -60
    exit 1
}
echo "cppcheck"
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -j "$(nproc)" \
    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
    --suppress=CastIntegerToAddressAtReturn `# a struct named template is taken for a keyword of C++` \
    --suppress=readdirCalled --suppress=getpwuidCalled --library=posix -D_GNU_SOURCE -Isrc $(git ls-files 'src/*.c')
