#!/usr/bin/env bash
# What is to be seen on a machine with an NVIDIA GPU and nvcc: builds there, in a folder of its own,
# and tries it. Each part can be run alone; `build` comes first.
#
#   tools/gpu.sh build       both modules, for the GPU that is there
#   tools/gpu.sh test        the device's tests
#   tools/gpu.sh sanitize    the same under compute-sanitizer, which must find planted faults and no others
#   tools/gpu.sh bench [arguments of bench.gpu]
#
# PYTHON names the interpreter; it needs numpy, pybind11, pytest, cmake and ninja, and torch to be
# measured beside. LIMIT is the seconds that each run of tests may take.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

part=${1:?build, test, sanitize or bench}
shift
python=$(command -v "${PYTHON:-python3}")
limit=${LIMIT:-300}
package=$PWD/build/gpu/package
tests=(tests/test_cuda*.py tests/ops/test_cuda_ops.py)
export PYTHONPATH=$package PYTHONUNBUFFERED=1 FASTNN_CUDA_BUILD=$package/fastnn

build() {
  cmake --preset cuda -B build/gpu -DCMAKE_CUDA_ARCHITECTURES=native \
    -DPython_EXECUTABLE="$python" -DFASTNN_ONLY_ISAS="${FASTNN_ONLY_ISAS:-}" \
    -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" >/dev/null
  cmake --build build/gpu --target _core _cuda | tail -n 1
  nvcc -arch=native -o build/gpu/faults tests/native/faults.cu
  rm -rf "$package"
  mkdir -p "$package"
  cp -r python/fastnn "$package"/fastnn
  rm -f "$package"/fastnn/_core*.so "$package"/fastnn/_cuda*.so
  cp build/gpu/_core*.so build/gpu/_cuda*.so "$package"/fastnn/
  "$python" -c 'import fastnn; fastnn.set_device("cuda"); print(fastnn.get_device())'
}

# COMMAND...: with these tests, under that command.
run_tests() { timeout "$limit" "$@" "$python" -m pytest -p no:cacheprovider -q "${tests[@]}"; }

sanitize() {
  for fault in "memcheck outside" "racecheck race"; do
    read -r tool kind <<<"$fault"
    if compute-sanitizer --tool "$tool" --error-exitcode 9 build/gpu/faults "$kind" >/dev/null; then
      echo "$tool does not find a planted fault ($kind)" >&2
      exit 1
    fi
    compute-sanitizer --tool "$tool" --error-exitcode 9 build/gpu/faults none >/dev/null
    echo "$tool finds a planted fault ($kind), and none in the same program without it"
  done
  for tool in memcheck racecheck; do
    echo "$tool over the tests"
    run_tests compute-sanitizer --tool "$tool" --error-exitcode 9 --target-processes all
  done
}

case $part in
  build) build ;;
  test)
    tests+=(tests/ops/test_gradients.py)
    run_tests env ;;
  sanitize) sanitize ;;
  bench) exec "$python" -m bench.gpu "$@" ;;
  *) echo "expected build, test, sanitize or bench, got $part" >&2; exit 2 ;;
esac
