// Models in which we know which expert serves which token.
#pragma once

#include <string>

#include "support/miniature.h"

namespace expertoire::test {

/// Tokens are characters: 0 "<|endoftext|>", 1 space, 2 line end, 3 … 28 "a" … "z". Attention adds
/// nothing and experts nothing, so what a token is decides its routing alone, in each of two
/// layers.
inline constexpr int kPlantedVocab = 29;
inline constexpr int planted_token(char c) { return c == ' ' ? 1 : c == '\n' ? 2 : c - 'a' + 3; }

/// Of layer 0: 0 for vowels, 1 for other letters to m, 2 for those from n, 3 for the rest. Of layer
/// 1: the token modulo 4.
int planted_class(int layer, int token);

/// OLMoE of 4 experts, one a token: the token's class, with a weight of about 0.85.
Miniature planted_top_k();
/// The same, whose experts 0, 1 and 2 of layer 0 say that a token of their own class or a space
/// comes next: without its expert a class is predicted no better than any other.
Miniature planted_speakers();
/// Monet of 4 × 4 joint experts, one head, a router a layer: the left key is the token's class of
/// the layer, the right key that of the other layer; scores are 1.
Miniature planted_monet();

/// The model with its tokenizer, as a folder that any command takes.
void write_planted(const Miniature& model, const std::string& folder);

}  // namespace expertoire::test
