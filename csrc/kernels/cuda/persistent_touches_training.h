// The same for bodies of recurrent layers, random numbers and updates.
#pragma once
#include "kernels/cuda/bodies/optimizer.h"
#include "kernels/cuda/bodies/random.h"
#include "kernels/cuda/bodies/recurrent.h"
#include "kernels/cuda/bodies/row_updates.h"
#include "kernels/cuda/persistent_touches.h"

namespace fastnn::kernels::cuda {

// Steps of a row, by one warp: for each a chain over the units, and their cells. A launch has as
// many warps as it can use.
template <class Args>
void costs_steps(Command* c, const Args& a, int blocks, double chain, double wait) {
  auto turns = [](int64_t n) { return static_cast<double>((n + kWarpThreads - 1) / kWarpThreads); };
  const double columns = turns(blocks * a.units), cells = turns(a.units);
  const auto time = static_cast<double>(a.time), units = static_cast<double>(a.units);
  c->work = a.batch;
  c->alone = time * (units * (columns * 2 * chain + wait) + 500 * cells + 80);
  c->each = time * (units * columns * chain / 4 + 60 * cells + 20);
  c->launched = time * (units * (2 * chain + wait / 4) + 580);
}

template <class T, class Cell>
void touch_forward(Command* c, const RecurrentArgs& a, void* const& space) {
  constexpr int kBlocks = Cell::kBlocks;
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  costs_steps(c, a, kBlocks, 6, 0);
  const int64_t rows = a.batch * a.units * kSize, all = rows * a.time;
  c->writes(a.h, 0, all);
  c->writes(a.c, 0, all);
  c->writes(a.before, 0, all);
  c->writes(a.gates, 0, Cell::kSaved * all);
  c->reads(a.x, 0, kBlocks * all);
  c->reads(a.kernel, 0, kBlocks * a.units * a.units * kSize, static_cast<double>(a.batch * a.time));
  c->reads(a.bias, 0, kBlocks * a.units * kSize);
  c->reads(a.h0, 0, rows);
  c->reads(a.c0, 0, rows);
  c->reads(a.mask, 0, a.batch * a.time);
  c->writes(space, 0, std::min<int64_t>(a.batch, kMostWarps) * (2 + kBlocks) * a.units * kSize);
}

template <class T, class Cell>
void touch_backward(Command* c, const RecurrentGradArgs& a, void* const& space) {
  constexpr int kBlocks = Cell::kBlocks;
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  costs_steps(c, a, kBlocks, 7, 40);
  const int64_t rows = a.batch * a.units * kSize, all = rows * a.time;
  c->writes(a.dx, 0, kBlocks * all);
  c->writes(a.dinner, 0, kBlocks * all);
  c->writes(a.dh0, 0, rows);
  c->writes(a.dc0, 0, rows);
  c->reads(a.dh, 0, all);
  c->reads(a.dc, 0, all);
  c->reads(a.h, 0, all);
  c->reads(a.c, 0, all);
  c->reads(a.before, 0, all);
  c->reads(a.gates, 0, Cell::kSaved * all);
  c->reads(a.kernel, 0, kBlocks * a.units * a.units * kSize, static_cast<double>(a.batch * a.time));
  c->reads(a.c0, 0, rows);
  c->reads(a.mask, 0, a.batch * a.time);
  c->writes(space, 0, std::min<int64_t>(a.batch, kMostWarps) * (2 + kBlocks) * a.units * kSize);
}

// kScalar: bytes of the numbers that the rule is made from.
template <class Element, int kScalar>
void touch_draw(Command* c, const RandomArgs& a, const Stream& stream, int64_t blocks) {
  c->work = blocks;
  costs(c, 250, 200);
  c->reads(a.a, 0, kScalar);
  c->reads(a.b, 0, kScalar);
  c->writes(a.out, 0, a.n * static_cast<int64_t>(sizeof(Element)));
  reads_clock(c, stream.state);
}

template <class T, template <class> class Rule>
void touch_prepare(Command* c, Rule<T>* const& rule, const Update& u) {
  c->work = 1;
  costs(c, 1000, 2000);
  c->reads(u.step, 0, 8);
  c->reads(u.state, 0, 8);
  c->uses_until(u.segments);
  c->writes(rule, 0, sizeof(Rule<T>));
}

template <class T, template <class> class Rule>
void touch_update(Command* c, const Rule<T>* const& rule, int64_t n, const Update& u) {
  c->work = n;
  costs(c, 70, 250);
  reads_status(c, u.device);
  c->reads(rule, 0, sizeof(Rule<T>));
  c->reads(u.rate, 0, sizeof(T));
  for (int k = 0; k < u.count; ++k) {
    const Segment& s = u.segments[k];
    const int64_t bytes = s.length * static_cast<int64_t>(sizeof(T));
    c->reads(s.grad, 0, bytes);
    c->writes(s.param, 0, bytes);
    for (void* const& slot : s.slot) c->writes(slot, 0, bytes);
  }
  c->uses_until(u.segments + u.count);
}

inline void touch_claim_rows(Command* c, const TableRows& t, int* const& owners) {
  c->work = t.count;
  costs(c, 40, 150);
  c->reads(t.index, 0, t.count * 8);
  c->writes(owners, 0, t.rows * 4, part(t.count, t.rows));
}

template <class T>
void touch_update_rows(Command* c, const RowUpdateArgs& a, const int* const& owners,
                       DeviceState* const& state) {
  const TableRows& t = a.rows;
  c->work = t.count * t.row_length;
  costs(c, 130, 500);
  reads_status(c, state);
  c->reads(a.optimizer.rate, 0, sizeof(T));
  c->reads(a.optimizer.step, 0, 8);
  c->reads(a.optimizer.state, 0, 8);
  c->reads(t.index, 0, t.count * 8);
  c->reads(owners, 0, t.rows * 4, part(t.count, t.rows));
  const int64_t bytes = t.rows * t.row_length * static_cast<int64_t>(sizeof(T));
  const double times = part(t.count, t.rows);
  c->reads(t.table.grad, 0, bytes, times);
  c->writes(t.table.param, 0, bytes, times);
  for (void* const& slot : t.table.slot) c->writes(slot, 0, bytes, times);
}

inline void touch_advance_nadam(Command* c, const Update& u) {
  c->work = 1;
  costs(c, 500, 1500);
  reads_status(c, u.device);
  c->reads(u.step, 0, 8);
  c->writes(u.state, 0, 8);
  c->uses_until(u.segments);
}

inline void touch_advance(Command* c, DeviceState* const& state, int64_t) {
  c->work = 1;
  c->writes(state, kClockBegin, kClockEnd);
}

}  // namespace fastnn::kernels::cuda
