// Ordered probit: a class is the interval between two cutpoints in which a latent normal variable
// falls, whose mean is the score and whose variance is 1. Two classes with the cutpoint 0 are the
// probit model (Albert & Chib 1993).
#pragma once

#include <cstdint>

#include "common/random.hpp"

namespace fieldfare {

struct Ordinal {
  std::int64_t n_rows = 0;
  const float* scores = nullptr;         // [n_rows]
  const std::uint8_t* labels = nullptr;  // [n_rows], class numbers below n_cutpoints + 1
  std::int64_t n_cutpoints = 0;
  const double* cutpoints = nullptr;  // [n_cutpoints], ascending
};

// Draws the latent variable of each row between the cutpoints of its class, [n_rows].
void draw_latent(const Ordinal& ordinal, const Draws& draws, float* out, std::int64_t n_threads);

// The log likelihood of the cutpoints given the scores, its gradient [n_cutpoints] and its second
// derivatives, [n_cutpoints, 2]: of each cutpoint twice, and of it and the next.
double ordinal_likelihood(const Ordinal& ordinal, double* gradient, double* second,
                          std::int64_t n_threads);

// Adds the probability of each class, averaged over samples, to out [n_rows, n_cutpoints + 1].
// Scores are [n_rows, n_samples], cutpoints [n_samples, n_cutpoints].
void class_probabilities(std::int64_t n_rows, std::int64_t n_samples, const float* scores,
                         std::int64_t n_cutpoints, const double* cutpoints, double* out,
                         std::int64_t n_threads);

}  // namespace fieldfare
