#!/usr/bin/env bash
# Builds the extension with sanitizers in a folder of its own and runs tests with it.
#
#   tools/sanitize.sh address [pytest arguments]    AddressSanitizer and UndefinedBehaviorSanitizer
#   tools/sanitize.sh thread [pytest arguments]     ThreadSanitizer
#
# Without arguments: the whole suite under the first, the tests of threads under the second. The
# first finding ends the run. Python itself is not instrumented, so leaks are not looked for.
# FASTNN_ONLY_ISAS=avx2 builds one instruction set's kernels only, which is quicker.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kind=${1:?address or thread}
shift
case $kind in
  address) preset=asan runtime=libasan.so tests=(tests) ;;
  thread) preset=tsan runtime=libtsan.so
    tests=(tests/test_thread_pool.py tests/test_determinism.py tests/test_fit.py) ;;
  *) echo "expected address or thread, got $kind" >&2; exit 2 ;;
esac
python=${PYTHON:-python3}
compiler=${CXX:-c++}

cmake --preset "$preset" -DPython_EXECUTABLE="$(command -v "$python")" \
  -DCMAKE_CXX_COMPILER="$compiler" -DFASTNN_ONLY_ISAS="${FASTNN_ONLY_ISAS:-}" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" \
  -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" >/dev/null
cmake --build "build/$preset" | tail -n 1

# The package as it is installed: the modules, and the extension of this build.
package=build/$preset/package
rm -rf "$package"
mkdir -p "$package"
cp -r python/fastnn "$package"/fastnn
rm -f "$package"/fastnn/_core*.so
cp "build/$preset"/_core*.so "$package"/fastnn/

# libstdc++ too: the sanitizer looks for __cxa_throw when it starts.
library() { realpath "$("$compiler" -print-file-name="$1")"; }
export LD_PRELOAD="$(library "$runtime") $(library libstdc++.so.6)"
export PYTHONPATH=$PWD/$package PYTHONMALLOC=malloc
export FASTNN_SANITIZER=$kind
export ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1:die_after_fork=0:second_deadlock_stack=1
if [[ $# -gt 0 ]]; then tests=("$@"); fi
exec "$python" -m pytest -p no:cacheprovider "${tests[@]}"
