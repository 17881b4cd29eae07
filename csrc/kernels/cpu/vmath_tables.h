// Tables of 16 for exponentials and logarithms of doubles, where registers can be looked up in.
#pragma once
#include "kernels/cpu/simd.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <class T>
constexpr bool kTabled = kLooksUp && sizeof(T) == 8;

// 2^(j/16).
alignas(64) const double kPower[16] = {
    0x1.0000000000000p+0, 0x1.0b5586cf9890fp+0, 0x1.172b83c7d517bp+0, 0x1.2387a6e756238p+0,
    0x1.306fe0a31b715p+0, 0x1.3dea64c123422p+0, 0x1.4bfdad5362a27p+0, 0x1.5ab07dd485429p+0,
    0x1.6a09e667f3bcdp+0, 0x1.7a11473eb0187p+0, 0x1.8ace5422aa0dbp+0, 0x1.9c49182a3f090p+0,
    0x1.ae89f995ad3adp+0, 0x1.c199bdd85529cp+0, 0x1.d5818dcfba487p+0, 0x1.ea4afa2a490dap+0};
// The same as bits, less j 2^48: adding a number k = 16 n + j, shifted by 48, makes them 2^(k/16).
alignas(64) const double kPowerBits[16] = {
    0x1.0000000000000p+0, 0x1.fb5586cf9890fp-1, 0x1.f72b83c7d517bp-1, 0x1.f387a6e756238p-1,
    0x1.f06fe0a31b715p-1, 0x1.edea64c123422p-1, 0x1.ebfdad5362a27p-1, 0x1.eab07dd485429p-1,
    0x1.ea09e667f3bcdp-1, 0x1.ea11473eb0187p-1, 0x1.eace5422aa0dbp-1, 0x1.ec49182a3f090p-1,
    0x1.ee89f995ad3adp-1, 0x1.f199bdd85529cp-1, 0x1.f5818dcfba487p-1, 0x1.fa4afa2a490dap-1};
// 2^(j/16) / kPower[j] - 1.
alignas(64) const double kPowerRest[16] = {0,
                                           0x1.79aa65d837b6dp-54,
                                           -0x1.01b15eaa59348p-55,
                                           0x1.68efde3a8a894p-54,
                                           0x1.34d754db0abb6p-55,
                                           0x1.59f48a72a4c6dp-55,
                                           0x1.690cebb7aafb0p-56,
                                           0x1.063e1e21c5409p-54,
                                           -0x1.3b3efbf5e2228p-54,
                                           -0x1.b32dcb94da51dp-56,
                                           0x1.db72fc1f0eab4p-55,
                                           0x1.1affc2b91ce27p-56,
                                           0x1.c1a7792cb3387p-55,
                                           0x1.36eae30af0cb3p-56,
                                           0x1.4a385a63d07a7p-56,
                                           -0x1.ff7128fd391f0p-55};

// Of a number m in [67/96, 67/48): 1/c, of at most 21 bits, by the 16th of its bits that it lies
// in, and log(c). Each 1/c is such that log(c) is all but a double; about 1 it is 1.
constexpr uint64_t kLogStart = 0x3fe6555555555555;  // 67/96
alignas(64) const double kInverse[16] = {0x1.66d7b8p+0, 0x1.57d0b8p+0, 0x1.4a04p+0,   0x1.3d258p+0,
                                         0x1.31458p+0,  0x1.26741p+0,  0x1.1bfe98p+0, 0x1.126cap+0,
                                         0x1.099eep+0,  0x1p+0,        0x1.e6696p-1,  0x1.cb28fp-1,
                                         0x1.b2f9p-1,   0x1.9d43ep-1,  0x1.894d8p-1,  0x1.777b4p-1};
alignas(64) const double kLog[16] = {-0x1.59cfbeff0fd6ap-2, -0x1.2e01637e172b9p-2,
                                     -0x1.040ec2b8d1d24p-2, -0x1.b6a75109220c5p-3,
                                     -0x1.687f4beb46ed5p-3, -0x1.1e9a8b4ab1ce0p-3,
                                     -0x1.a9128b7afa2e4p-4, -0x1.1caa008635b1dp-4,
                                     -0x1.2e373099c97b7p-5, 0,
                                     0x1.a3ffbaf174d43p-5,  0x1.be2946d46a6abp-4,
                                     0x1.4de8adad20ce4p-3,  0x1.b6c0f9ed089f4p-3,
                                     0x1.0e132ae1ba344p-2,  0x1.3d8eef7ffa1bcp-2};
// log(c) less that.
alignas(64) const double kLogRest[16] = {0x1.d8053746303c5p-67,  -0x1.25ef229781c99p-67,
                                         0x1.e1fa1a4f2a8dfp-68,  -0x1.14aeaddc9e9a8p-70,
                                         -0x1.2c0eea67ca466p-67, 0x1.c80108721c7aap-71,
                                         0x1.99095cd99d8d8p-69,  0x1.ddf22fa8637fbp-68,
                                         0x1.140e83d8a828dp-77,  0,
                                         0x1.afe5d16609267p-71,  0x1.91e5e26498166p-73,
                                         -0x1.1160a591b2a9ap-67, -0x1.7441590962081p-68,
                                         0x1.0957f35a789ebp-69,  -0x1.ab0d2712e6651p-67};

// The same of 1 + j/15.
alignas(64) const double kUnitInverse[16] = {
    0x1p+0,       0x1.e0036p-1, 0x1.c39a2p-1, 0x1.aadeap-1, 0x1.94945p-1, 0x1.80256p-1,
    0x1.6ded8p-1, 0x1.5cd24p-1, 0x1.4e025p-1, 0x1.405c2p-1, 0x1.33879p-1, 0x1.2706p-1,
    0x1.1c2e8p-1, 0x1.129a2p-1, 0x1.08c1bp-1, 0x1.01fa4p-1};
alignas(64) const double kUnitLog[16] = {0,
                                         0x1.083cbea70239ap-4,
                                         0x1.011255a5122d2p-3,
                                         0x1.746ba9e62d44bp-3,
                                         0x1.e241a26bc0eb0p-3,
                                         0x1.26327b4200bb9p-2,
                                         0x1.57f338fe2ff17p-2,
                                         0x1.88f9aa767226cp-2,
                                         0x1.b568894c3376fp-2,
                                         0x1.e021ff3ce3af7p-2,
                                         0x1.04fe68484083ep-1,
                                         0x1.1a4009c7900fep-1,
                                         0x1.2d6b879bb8a98p-1,
                                         0x1.3efa12f40973fp-1,
                                         0x1.51abc9081808dp-1,
                                         0x1.5ef393f0740d1p-1};

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
