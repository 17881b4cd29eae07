#!/usr/bin/env bash
# Builds with sanitizers in folders of their own and runs tests there. The first finding ends a run.
#
#   tools/sanitize.sh address [pytest arguments]       AddressSanitizer and UndefinedBehaviorSanitizer
#   tools/sanitize.sh thread [pytest arguments]        ThreadSanitizer
#   tools/sanitize.sh cuda [pytest arguments]          the kernels for GPUs, emulated: each access is
#                                                      looked at (races, memory that is not there)
#   tools/sanitize.sh cuda-address [pytest arguments]  the same and their host code, as by `address`
#
# Without arguments: the whole suite under the first, the tests of threads under the second, those of
# GPUs under the others. Python itself is not instrumented, so leaks are not looked for.
# FASTNN_ONLY_ISAS=avx2 builds one instruction set's kernels only, which is quicker. The last two
# build the module for GPUs alone, for the fastnn that is found by Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kind=${1:?address, thread, cuda or cuda-address}
shift
gpu_tests=(tests/test_cuda*.py tests/ops/test_cuda_ops.py tests/ops/test_gradients.py)
case $kind in
  address) preset=asan runtime=libasan.so tests=(tests) ;;
  thread) preset=tsan runtime=libtsan.so
    tests=(tests/test_thread_pool.py tests/test_determinism.py tests/test_fit.py) ;;
  cuda) preset=cuda-checked runtime= tests=("${gpu_tests[@]}") ;;
  cuda-address) preset=cuda-asan runtime=libasan.so tests=("${gpu_tests[@]}") ;;
  *) echo "expected address, thread, cuda or cuda-address, got $kind" >&2; exit 2 ;;
esac
python=${PYTHON:-python3}
compiler=${CXX:-c++}

cmake --preset "$preset" -DPython_EXECUTABLE="$(command -v "$python")" \
  -DCMAKE_CXX_COMPILER="$compiler" -DFASTNN_ONLY_ISAS="${FASTNN_ONLY_ISAS:-}" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" \
  -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" >/dev/null
cmake --build --preset "$preset" | tail -n 1

if [[ $kind == cuda* ]]; then
  export FASTNN_CUDA_BUILD=$PWD/build/$preset
else
  # The package as it is installed: the modules, and the extension of this build.
  package=build/$preset/package
  rm -rf "$package"
  mkdir -p "$package"
  cp -r python/fastnn "$package"/fastnn
  rm -f "$package"/fastnn/_core*.so
  cp "build/$preset"/_core*.so "$package"/fastnn/
  export PYTHONPATH=$PWD/$package
fi

if [[ $# -gt 0 ]]; then tests=("$@"); fi
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
if [[ $runtime ]]; then
  # libstdc++ too: the sanitizer looks for __cxa_throw when it starts.
  library() { realpath "$("$compiler" -print-file-name="$1")"; }
  export LD_PRELOAD="$(library "$runtime") $(library libstdc++.so.6)"
  export PYTHONMALLOC=malloc FASTNN_SANITIZER=${kind#cuda-}
  export ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:allocator_may_return_null=1
  export TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1:die_after_fork=0:second_deadlock_stack=1
fi
exec "$python" -m pytest -p no:cacheprovider "${tests[@]}"
