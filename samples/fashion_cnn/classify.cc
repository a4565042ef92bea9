// Classifies the 10,000 test images of Fashion-MNIST with a compiled network.  It needs Ingot's
// runtime and nothing of its compiler:
//
//   g++ -std=c++17 -O2 classify.cc -o classify $(pkg-config --cflags --libs ingot-runtime) -lz
//   classify fashion_cnn.ingot weights.safetensors IMAGES.gz LABELS.gz [host|cuda] [LOGITS]
//
// LOGITS: a file for the logits of the first batch, raw little-endian f32.
#include <ingot.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

void Check(ingot_status status) {
  if (status != INGOT_OK) Die(ingot_error_message());
}

// A whole file; gzip is unpacked, other files are read as they are.
std::vector<uint8_t> ReadFile(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) Die(path + ": cannot open this file");
  std::vector<uint8_t> bytes;
  uint8_t block[1 << 16];
  int count;
  while ((count = gzread(file, block, sizeof block)) > 0)
    bytes.insert(bytes.end(), block, block + count);
  gzclose(file);
  if (count < 0) Die(path + ": damaged");
  return bytes;
}

// The data of an IDX file, after its header of 4 bytes and one size of 4 bytes a dimension.
std::vector<uint8_t> ReadIdx(const std::string& path, size_t dimensions) {
  std::vector<uint8_t> bytes = ReadFile(path);
  const size_t header = 4 + 4 * dimensions;
  if (bytes.size() < header || bytes[3] != dimensions)
    Die(path + ": not an IDX file of that many dimensions");
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header));
  return bytes;
}

// The weights' bytes: in this file they lie in the order of the network's parameters.
std::vector<uint8_t> ReadSafetensors(const std::string& path) {
  std::vector<uint8_t> bytes = ReadFile(path);
  uint64_t header = 0;
  if (bytes.size() < 8) Die(path + ": cut short");
  std::memcpy(&header, bytes.data(), 8);
  if (header > bytes.size() - 8) Die(path + ": cut short");
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(8 + header));
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5)
    Die("usage: classify NETWORK.ingot WEIGHTS.safetensors IMAGES.gz LABELS.gz [host|cuda] "
        "[LOGITS]");
  const std::vector<uint8_t> weights = ReadSafetensors(argv[2]);
  std::vector<uint8_t> images = ReadIdx(argv[3], 3);
  const std::vector<uint8_t> labels = ReadIdx(argv[4], 1);

  ingot_device* device;
  ingot_program* network;
  const auto load_start = std::chrono::steady_clock::now();
  Check(ingot_device_create(argc > 5 ? argv[5] : "host", &device));
  Check(ingot_load_file(device, argv[1], 0, &network));
  const double load_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - load_start)
          .count();

  // The network takes its weights, then a batch of images.
  const int32_t input_count = ingot_program_input_count(network);
  std::vector<ingot_memory> inputs;
  size_t offset = 0;
  ingot_array array;
  for (int32_t i = 0; i + 1 < input_count; ++i) {
    Check(ingot_program_input(network, i, &array));
    if (weights.size() - offset < array.bytes) Die(std::string(argv[2]) + ": too few weights");
    inputs.push_back({const_cast<uint8_t*>(weights.data() + offset), array.bytes});
    offset += array.bytes;
  }
  Check(ingot_program_input(network, input_count - 1, &array));
  const size_t batch_bytes = array.bytes;
  const size_t batch = static_cast<size_t>(array.dimensions[0]);
  Check(ingot_program_output(network, 0, &array));
  const size_t classes = static_cast<size_t>(array.dimensions[1]);
  if (images.size() != labels.size() / batch * batch_bytes)
    Die("images and labels do not fit the network");
  inputs.push_back({nullptr, batch_bytes});
  std::vector<float> logits(batch * classes);
  const ingot_memory output = {logits.data(), logits.size() * sizeof(float)};

  size_t right = 0;
  const auto start = std::chrono::steady_clock::now();
  for (size_t first = 0; first < labels.size(); first += batch) {
    inputs.back().data = images.data() + first / batch * batch_bytes;
    Check(ingot_run(network, inputs.data(), input_count, &output, 1));
    if (first == 0 && argc > 6) {
      std::FILE* file = std::fopen(argv[6], "wb");
      if (file == nullptr || std::fwrite(logits.data(), 1, output.bytes, file) != output.bytes)
        Die("cannot write logits");
      std::fclose(file);
    }
    for (size_t i = 0; i < batch; ++i) {
      const float* scores = &logits[i * classes];
      right += static_cast<size_t>(std::max_element(scores, scores + classes) - scores) ==
               labels[first + i];
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("device             %s (%s)\n", ingot_device_name(device),
              ingot_device_architecture(device));
  std::printf("load               %.1f ms\n", load_ms);
  std::printf("accuracy           %.2f %% (%zu of %zu)\n",
              100.0 * static_cast<double>(right) / static_cast<double>(labels.size()), right,
              labels.size());
  std::printf("images per second  %.0f\n", static_cast<double>(labels.size()) / seconds);
  ingot_program_destroy(network);
  ingot_device_destroy(device);
}
