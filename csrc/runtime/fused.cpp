#include "runtime/fused.h"

#include <algorithm>
#include <cstring>

namespace fastnn::runtime {
namespace {

using kernels::kMaxRank;

// A number n times. Blocks of a fixed size become vector stores.
template <class T>
void fill_row(T* out, T value, int64_t n) {
  constexpr int64_t kBlock = 64 / static_cast<int64_t>(sizeof(T));
  T block[kBlock];
  std::fill_n(block, kBlock, value);
  for (; n >= kBlock; n -= kBlock, out += kBlock) std::memcpy(out, block, sizeof(block));
  for (int64_t i = 0; i < n; ++i) out[i] = value;
}

template <class T>
void gather_row(T* out, const T* in, int64_t n, int64_t stride) {
  if (stride == 0 && n >= 16) return fill_row(out, *in, n);
  for (int64_t i = 0; i < n; ++i) out[i] = in[i * stride];
}

void copy_row(char* out, const char* in, int64_t n, int64_t stride, int64_t size) {
  if (stride == 1) {
    std::memcpy(out, in, static_cast<size_t>(n * size));
  } else if (size == 4) {
    gather_row(reinterpret_cast<uint32_t*>(out), reinterpret_cast<const uint32_t*>(in), n, stride);
  } else if (size == 8) {
    gather_row(reinterpret_cast<uint64_t*>(out), reinterpret_cast<const uint64_t*>(in), n, stride);
  } else {
    gather_row(out, in, n, stride);
  }
}

// Elements [begin, begin + n) of the iteration space, in C order, read by strides.
void gather_tile(char* out, const char* in, const FusedArgs& a, const int64_t* strides,
                 int64_t size, int64_t begin, int64_t n) {
  int64_t index[kMaxRank];
  int64_t rest = begin, offset = 0;
  for (int d = a.rank - 1; d >= 0; --d) {
    index[d] = rest % a.shape[d];
    rest /= a.shape[d];
    offset += index[d] * strides[d];
  }
  const int last = a.rank - 1;
  while (n > 0) {
    int64_t row = std::min(n, a.shape[last] - index[last]);
    copy_row(out, in + offset * size, row, strides[last], size);
    out += row * size;
    n -= row;
    offset -= index[last] * strides[last];
    index[last] = 0;
    for (int d = last - 1; d >= 0; --d) {
      offset += strides[d];
      if (++index[d] < a.shape[d]) break;
      offset -= a.shape[d] * strides[d];
      index[d] = 0;
    }
  }
}

struct Scratch {
  alignas(64) char registers[kMaxFusedRegisters][kTileBytes];
  alignas(64) char gathered[kMaxFusedInputs][kTileBytes];
  alignas(64) char rows[kMaxRowReductions][kRowElements * 8];
};

void fill_scalars(const FusedArgs& a, Scratch* s, int64_t n) {
  for (int i = 0; i < a.code->inputs; ++i)
    if (a.access[i] == Access::scalar)
      copy_row(s->gathered[i], static_cast<const char*>(a.in[i]), n, 0, a.code->input_size[i]);
}

// `rows` of the scratch begin with element first_row.
void run_tile(const FusedArgs& a, Scratch* s, int64_t begin, int64_t n, int64_t first_row) {
  const FusedCode& code = *a.code;
  const char* in[kMaxFusedInputs];
  for (int i = 0; i < code.inputs; ++i) {
    const char* base = static_cast<const char*>(a.in[i]);
    if (a.access[i] == Access::contiguous) {
      in[i] = base + begin * code.input_size[i];
      continue;
    }
    in[i] = s->gathered[i];
    if (a.access[i] == Access::strided)
      gather_tile(s->gathered[i], base, a, a.strides[i], code.input_size[i], begin, n);
  }
  auto result = [&](Operand o) {
    const auto k = static_cast<size_t>(o.index);
    if (o.place == Operand::reg) return s->registers[k];
    if (o.place == Operand::output)
      return static_cast<char*>(a.out[k]) + begin * code.output_size[k];
    return s->rows[k] + (begin - first_row) * code.rows_size[k];
  };
  for (int step = 0; step < code.length; ++step) {
    const Instruction& instruction = code.code[step];
    const void* args[3];
    for (int k = 0; k < instruction.inputs; ++k) {
      Operand o = instruction.in[k];
      args[k] = o.place == Operand::input ? in[o.index] : result(o);
    }
    instruction.tile(result(instruction.out), args, n, instruction.params);
  }
}

void reduce_rows(const FusedArgs& a, const Scratch& s, int64_t begin, int64_t n) {
  kernels::Context serial{};
  serial.threads = 1;
  for (int k = 0; k < a.reductions; ++k) {
    const RowReduction& r = a.reduce[k];
    kernels::ReduceArgs args = r.args;
    args.in = r.in.place == Operand::rows
                  ? s.rows[r.in.index]
                  : static_cast<const char*>(a.out[r.in.index]) + begin * r.in_size;
    args.out = static_cast<char*>(r.args.out) + begin / a.row * r.out_size;
    args.rank = 2;
    args.shape[0] = n / a.row;
    args.shape[1] = a.row;
    args.in_strides[0] = a.row;
    args.in_strides[1] = args.out_strides[0] = 1;
    args.out_strides[1] = 0;
    args.reduced[0] = 0;
    args.reduced[1] = 1;
    r.kernel(&args, &serial);
  }
}

struct Job {
  const FusedArgs* args;
  int64_t block;
};

void run_block(void* job, int64_t i) {
  const Job& j = *static_cast<const Job*>(job);
  const FusedArgs& a = *j.args;
  Scratch scratch;
  int64_t begin = i * j.block, end = std::min(a.n, begin + j.block);
  // One instruction on arrays as they are keeps nothing between tiles: no need to cut it up.
  const bool whole = a.code->length == 1 && a.reductions == 0 &&
                     std::all_of(a.access, a.access + a.code->inputs,
                                 [](Access access) { return access == Access::contiguous; });
  if (whole) return run_tile(a, &scratch, begin, end - begin, begin);
  fill_scalars(a, &scratch, std::min(a.code->tile, end - begin));
  // Rows are reduced two tiles at a time: longer pauses in reading cost more than calls do.
  const int64_t tile = a.code->tile;
  const int64_t piece = a.reductions > 0 ? std::max<int64_t>(1, 2 * tile / a.row) * a.row : a.n;
  for (int64_t p = begin; p < end; p += piece) {
    const int64_t stop = std::min(end, p + piece);
    for (int64_t t = p; t < stop; t += tile) run_tile(a, &scratch, t, std::min(tile, stop - t), p);
    reduce_rows(a, scratch, p, stop - p);
  }
}

}  // namespace

void run_fused(const void* args, const kernels::Context* ctx) {
  const FusedArgs& a = *static_cast<const FusedArgs*>(args);
  if (a.n == 0) return;
  Job job{&a, a.n};
  constexpr int64_t kParallelWork = 1 << 16, kBlock = 4096;  // a multiple of any tile
  if (ctx->threads > 1 && a.n * a.code->length > kParallelWork) {
    job.block = std::max<int64_t>(1, kBlock / a.row) * a.row;
    ctx->parallel_for(ctx->pool, (a.n + job.block - 1) / job.block, run_block, &job);
  } else {
    run_block(&job, 0);
  }
}

void collapse_fused(FusedArgs* a) {
  const int inputs = a->code->inputs;
  // Axes of length 1 walk nothing; neighbours merge where all strides agree.
  int rank = 0;
  for (int d = 0; d < a->rank; ++d) {
    if (a->shape[d] == 1) continue;
    bool merge = rank > 0;
    for (int i = 0; merge && i < inputs; ++i)
      merge = a->strides[i][rank - 1] == a->strides[i][d] * a->shape[d];
    if (merge) {
      a->shape[rank - 1] *= a->shape[d];
      for (int i = 0; i < inputs; ++i) a->strides[i][rank - 1] = a->strides[i][d];
    } else {
      a->shape[rank] = a->shape[d];
      for (int i = 0; i < inputs; ++i) a->strides[i][rank] = a->strides[i][d];
      ++rank;
    }
  }
  a->rank = rank;
  a->n = 1;
  for (int d = 0; d < rank; ++d) a->n *= a->shape[d];
  for (int i = 0; i < inputs; ++i) {
    bool contiguous = true, scalar = true;
    int64_t expected = 1;
    for (int d = rank - 1; d >= 0; --d) {
      contiguous = contiguous && a->strides[i][d] == expected;
      scalar = scalar && a->strides[i][d] == 0;
      expected *= a->shape[d];
    }
    a->access[i] = contiguous ? Access::contiguous : scalar ? Access::scalar : Access::strided;
  }
}

}  // namespace fastnn::runtime
