// Recurrent layers over whole sequences. Plain data only: see kernels.h for the conventions.
//
// x holds what the inputs add to every gate at every step (x W + bias: one product for all steps,
// made before). Each step adds the state's part, h U, and applies the cell:
//
// lstm (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
//   i, f, g, o = the four blocks of x + h U
//   c = sigmoid(f) c + sigmoid(i) tanh(g),  h = sigmoid(o) tanh(c)
// gru (Cho et al. 2014; the reset gate after the product, as in cuDNN):
//   z, r, n = the three blocks of x; p, q, s = those of h U + bias
//   h = z h + (1 - z) m,  z = sigmoid(z + p), r = sigmoid(r + q), m = tanh(n + r s)
// simple_rnn (Elman 1990): h = tanh(x + h U)
//
// A step that the mask hides leaves its row's state as it was. Steps run from 0 to time - 1, or
// down from time - 1 where reverse is set; the results of step t stand at t either way.
//
// Bits: a row's results do not depend on the other rows. The sum over units runs as matmul's.
// Error of one step: that of matmul and of sigmoid and tanh; it grows along the sequence as the
// recurrence itself lets it.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

// blocks: 4 for lstm, 3 for gru, 1 for simple_rnn. saved: 4, 4, 0.
struct RecurrentArgs {
  // Outputs that nobody wants are null.
  void* h;       // [batch, time, units], after each step
  void* c;       // lstm: [batch, time, units], after each step
  void* before;  // [batch, time, units], h before each step
  // [batch, time, saved * units], for the gradient: lstm i, f, g, o; gru z, r, m, s; 0 where a
  // step is hidden.
  void* gates;
  const void* x;        // [batch, time, blocks * units]
  const void* kernel;   // U [units, blocks * units]
  const void* bias;     // gru: [3 * units]; null: zeros
  const void* h0;       // [batch, units]; null: zeros
  const void* c0;       // lstm: [batch, units]; null: zeros
  const uint8_t* mask;  // [batch, time], 0 hides; null: all seen
  int64_t batch, time, units;
  int32_t reverse;
};
// ids: lstm, gru, simple_rnn (f32, f64)

// The gradients of all steps, from those of h and c (null: zeros). dx is the gradient of x, and of
// the state's product too, but for gru's block m, which differs there: it is in dinner. The
// gradient of U is before^T dx (dinner), summed over batch and time: one product, made after.
struct RecurrentGradArgs {
  void* dx;             // [batch, time, blocks * units]
  void* dinner;         // gru: [batch, time, 3 * units]
  void* dh0;            // [batch, units]; null where not wanted
  void* dc0;            // lstm: [batch, units]; null where not wanted
  const void* dh;       // [batch, time, units]
  const void* dc;       // lstm: [batch, time, units]
  const void* h;        // simple_rnn: as the forward kernel left it
  const void* c;        // lstm: likewise
  const void* before;   // gru: likewise
  const void* gates;    // lstm, gru: likewise
  const void* kernel;   // U
  const void* c0;       // lstm
  const uint8_t* mask;  // [batch, time]
  int64_t batch, time, units;
  int32_t reverse;
};
// ids: lstm_grad, gru_grad, simple_rnn_grad (f32, f64)

}  // namespace fastnn::kernels
