// SGD whose L2 penalties are learned on held-out rows (Rendle, WSDM 2012).
//
// After each step on a training row, the penalties take a step against the loss of a held-out row
// as a function of the parameters after that step. With theta' = theta - eta (g + lambda theta),
// where g is zero except for the features of the training row,
//   d score' / d lambda_w = -eta sum_j x_j m_j w_j
//   d score' / d lambda_f = -eta (sum_j x_j v'_jf  sum_j x_j m_j v_jf - sum_j x_j^2 v'_jf m_j
//   v_jf),
// where the penalties of feature j are m_j lambda.
#pragma once

#include <cstdint>
#include <optional>

#include "common/rows.hpp"

namespace fieldfare {

// The parameters and the step sizes. One penalty for the linear weights, then one for each factor.
struct AdaptiveModel {
  std::int64_t n_features = 0, k = 0;
  float* bias = nullptr;         // or null: not part of the model
  float* linear = nullptr;       // [n_features], or null
  float* factors = nullptr;      // [n_features, k], or null with k = 0
  double* penalties = nullptr;   // [1 + k]
  const float* times = nullptr;  // [n_features]: m, or null for ones
  double bias_rate = 0, linear_rate = 0, factor_rate = 0;
  // Step of the penalties on the linear weights and on factors.
  double linear_penalty_rate = 0, factor_penalty_rate = 0;
  bool logistic = false, normalised = false;
};

// Numbers of the rows to visit. Held-out rows are visited in turn, repeatedly.
struct AdaptiveOrder {
  const std::int64_t* train = nullptr;
  std::int64_t n_train = 0;
  const std::int64_t* held_out = nullptr;
  std::int64_t n_held_out = 0;
};

// Returns the first of these rows that cannot be used, because its number or a feature is out of
// range.
std::optional<std::int64_t> unusable_row(const Rows& rows, const AdaptiveOrder& order,
                                         std::int64_t n_features);

// One epoch, on one thread. Returns the sum of weight times loss of the training rows, each before
// its step. `weight` is that of each row, or null.
double adaptive_epoch(const Rows& rows, const float* weight, const AdaptiveOrder& order,
                      const AdaptiveModel& model);

}  // namespace fieldfare
