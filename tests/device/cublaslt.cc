// Times products by cuBLASLt, the best of its first eight heuristics, to stand beside `ingot
// bench`.
//
//   g++ -O2 -I$CUDA/include tests/device/cublaslt.cc -L$CUDA/lib64 -lcudart_static -o cublaslt
//   ./cublaslt tests/compiler/product_shapes.txt > cublaslt.json
//
// The file has one product per line: type, batch, rows, columns, depth, and how the matrices lie
// (tests/compiler/product_shapes.txt).  Matrices are bf16 whatever the type says, sums are f32.
// Prints a JSON object of the module's name (tests/compiler/product_shapes.h) to microseconds:
// `wall` of runs that follow one another, each a graph of one kernel as Ingot's are, and `device`,
// a twentieth of a graph of twenty.  The library is opened at run time: libcublasLt.so.13 or .12.
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace {

void Check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "error: %s\n", what);
  std::exit(1);
}
#define CUDA(call) Check((call) == cudaSuccess, #call)
#define LT(call) Check((call) == CUBLAS_STATUS_SUCCESS, #call)

void* library = nullptr;

template <typename F>
F* Function(const char* name) {
  void* function = dlsym(library, name);
  Check(function != nullptr, name);
  return reinterpret_cast<F*>(function);
}
#define LT_FUNCTION(name) decltype(name)* const name##_ = Function<decltype(name)>(#name)

constexpr size_t kWorkspaceBytes = 64 << 20;
constexpr int kHeuristics = 8;

// bf16 of about -1 to 1, other bits in each word.
std::vector<uint16_t> RandomHalves(size_t count) {
  std::vector<uint16_t> values(count);
  uint64_t state = 0x9e3779b97f4a7c15;
  for (uint16_t& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const float x = static_cast<float>(static_cast<int32_t>(state >> 32)) / 2147483648.0f;
    uint32_t bits;
    __builtin_memcpy(&bits, &x, 4);
    value = static_cast<uint16_t>(bits >> 16);
  }
  return values;
}

cudaStream_t stream;

// Microseconds from the first of `count` calls to the end of the last.
double Elapsed(const std::function<void()>& launch, int count) {
  static cudaEvent_t begin = nullptr, end = nullptr;
  if (begin == nullptr) {
    CUDA(cudaEventCreate(&begin));
    CUDA(cudaEventCreate(&end));
  }
  CUDA(cudaEventRecord(begin, stream));
  for (int i = 0; i < count; ++i) launch();
  CUDA(cudaEventRecord(end, stream));
  CUDA(cudaEventSynchronize(end));
  float milliseconds;
  CUDA(cudaEventElapsedTime(&milliseconds, begin, end));
  return milliseconds * 1e3;
}

// Microseconds of a call: the median of batches, over about `limit` microseconds.
double Median(const std::function<void()>& launch, double limit) {
  Elapsed(launch, 2);
  const int batch = std::clamp(static_cast<int>(limit / 10 / (Elapsed(launch, 4) / 4)), 2, 256);
  std::vector<double> times;
  for (double spent = 0; spent < limit || times.size() < 3;) {
    times.push_back(Elapsed(launch, batch) / batch);
    spent += times.back() * batch;
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

// A graph of `count` calls, one after the other.
cudaGraphExec_t Capture(const std::function<void()>& launch, int count) {
  CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < count; ++i) launch();
  cudaGraph_t graph;
  CUDA(cudaStreamEndCapture(stream, &graph));
  cudaGraphExec_t executable;
  CUDA(cudaGraphInstantiate(&executable, graph, 0));
  CUDA(cudaGraphDestroy(graph));
  return executable;
}

struct Shape {
  std::string type, layout;
  uint64_t batch, rows, columns, depth;
};

struct Lt {
  LT_FUNCTION(cublasLtCreate);
  LT_FUNCTION(cublasLtMatmul);
  LT_FUNCTION(cublasLtMatmulDescCreate);
  LT_FUNCTION(cublasLtMatmulDescDestroy);
  LT_FUNCTION(cublasLtMatmulDescSetAttribute);
  LT_FUNCTION(cublasLtMatrixLayoutCreate);
  LT_FUNCTION(cublasLtMatrixLayoutDestroy);
  LT_FUNCTION(cublasLtMatrixLayoutSetAttribute);
  LT_FUNCTION(cublasLtMatmulPreferenceCreate);
  LT_FUNCTION(cublasLtMatmulPreferenceDestroy);
  LT_FUNCTION(cublasLtMatmulPreferenceSetAttribute);
  LT_FUNCTION(cublasLtMatmulAlgoGetHeuristic);

  // A matrix of the column-major library: `rows` lie along memory.
  cublasLtMatrixLayout_t Layout(uint64_t rows, uint64_t columns, uint64_t batch) const {
    cublasLtMatrixLayout_t layout;
    LT(cublasLtMatrixLayoutCreate_(&layout, CUDA_R_16BF, rows, columns,
                                   static_cast<int64_t>(rows)));
    const int32_t count = static_cast<int32_t>(batch);
    const int64_t stride = static_cast<int64_t>(rows * columns);
    LT(cublasLtMatrixLayoutSetAttribute_(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                         sizeof count));
    LT(cublasLtMatrixLayoutSetAttribute_(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                         &stride, sizeof stride));
    return layout;
  }
};

void* Random(uint64_t count) {
  const std::vector<uint16_t> values = RandomHalves(count);
  void* device;
  CUDA(cudaMalloc(&device, count * 2));
  CUDA(cudaMemcpy(device, values.data(), count * 2, cudaMemcpyHostToDevice));
  return device;
}

// The best of the heuristics, as a JSON object.
std::string Time(const Lt& lt, cublasLtHandle_t handle, void* workspace, const Shape& s) {
  // Row-major results are column-major ones of the exchanged product: the right matrix goes first.
  const bool right_along = s.layout[1] == 't', left_across = s.layout[0] == 't';
  cublasLtMatmulDesc_t product;
  LT(lt.cublasLtMatmulDescCreate_(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  const cublasOperation_t first = right_along ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t second = left_across ? CUBLAS_OP_T : CUBLAS_OP_N;
  LT(lt.cublasLtMatmulDescSetAttribute_(product, CUBLASLT_MATMUL_DESC_TRANSA, &first,
                                        sizeof first));
  LT(lt.cublasLtMatmulDescSetAttribute_(product, CUBLASLT_MATMUL_DESC_TRANSB, &second,
                                        sizeof second));
  const cublasLtMatrixLayout_t right =
      right_along ? lt.Layout(s.depth, s.columns, s.batch) : lt.Layout(s.columns, s.depth, s.batch);
  const cublasLtMatrixLayout_t left =
      left_across ? lt.Layout(s.rows, s.depth, s.batch) : lt.Layout(s.depth, s.rows, s.batch);
  const cublasLtMatrixLayout_t result = lt.Layout(s.columns, s.rows, s.batch);
  cublasLtMatmulPreference_t preference;
  LT(lt.cublasLtMatmulPreferenceCreate_(&preference));
  LT(lt.cublasLtMatmulPreferenceSetAttribute_(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                              &kWorkspaceBytes, sizeof kWorkspaceBytes));
  cublasLtMatmulHeuristicResult_t found[kHeuristics];
  int count = 0;
  LT(lt.cublasLtMatmulAlgoGetHeuristic_(handle, product, right, left, result, result, preference,
                                        kHeuristics, found, &count));
  void* const x = Random(s.batch * s.rows * s.depth);
  void* const y = Random(s.batch * s.depth * s.columns);
  void* z;
  CUDA(cudaMalloc(&z, s.batch * s.rows * s.columns * 2));

  // The fastest of short looks is timed as long as `ingot bench` does: a card that is busy for
  // longer is slower.
  constexpr double kLook = 8000, kLong = 75000;
  const auto launch = [&](int i) {
    const float one = 1, zero = 0;
    LT(lt.cublasLtMatmul_(handle, product, &one, y, right, x, left, &zero, z, result, z, result,
                          &found[i].algo, workspace, kWorkspaceBytes, stream));
  };
  double wall = 1e30, device = 1e30;
  cudaGraphExec_t best = nullptr, best_twenty = nullptr;
  for (int i = 0; i < count; ++i) {
    const cudaGraphExec_t single = Capture([&] { launch(i); }, 1);
    const double time = Median([&] { CUDA(cudaGraphLaunch(single, stream)); }, kLook);
    if (best == nullptr || time < wall) {
      if (best != nullptr) CUDA(cudaGraphExecDestroy(best));
      if (best_twenty != nullptr) CUDA(cudaGraphExecDestroy(best_twenty));
      wall = time;
      best = single;
      best_twenty = Capture([&] { launch(i); }, 20);
    } else {
      CUDA(cudaGraphExecDestroy(single));
    }
  }
  if (best != nullptr) {
    wall = Median([&] { CUDA(cudaGraphLaunch(best, stream)); }, kLong);
    device = Median([&] { CUDA(cudaGraphLaunch(best_twenty, stream)); }, kLong) / 20;
    CUDA(cudaGraphExecDestroy(best));
    CUDA(cudaGraphExecDestroy(best_twenty));
  }
  CUDA(cudaFree(x));
  CUDA(cudaFree(y));
  CUDA(cudaFree(z));
  LT(lt.cublasLtMatmulPreferenceDestroy_(preference));
  for (const cublasLtMatrixLayout_t layout : {right, left, result})
    LT(lt.cublasLtMatrixLayoutDestroy_(layout));
  LT(lt.cublasLtMatmulDescDestroy_(product));
  char text[96];
  std::snprintf(text, sizeof text, "{\"algorithms\": %d, \"wall\": %.2f, \"device\": %.2f}", count,
                count == 0 ? 0 : wall, count == 0 ? 0 : device);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  Check(argc == 2, "usage: cublaslt SHAPES.txt");
  for (const char* name : {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"}) {
    if (library == nullptr) library = dlopen(name, RTLD_NOW);
  }
  Check(library != nullptr, "no libcublasLt.so here: set LD_LIBRARY_PATH");
  const Lt lt;
  cublasLtHandle_t handle;
  LT(lt.cublasLtCreate_(&handle));
  CUDA(cudaStreamCreate(&stream));
  void* workspace;
  CUDA(cudaMalloc(&workspace, kWorkspaceBytes));
  std::ifstream file(argv[1]);
  Check(static_cast<bool>(file), "the file of shapes cannot be read");
  const char* separator = "{";
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    Shape s;
    std::istringstream words(line);
    words >> s.type >> s.batch >> s.rows >> s.columns >> s.depth >> s.layout;
    Check(static_cast<bool>(words), line.c_str());
    std::printf("%s\n\"%s_%llux%llux%llux%llu_%s\": %s", separator, "bf16",
                (unsigned long long)s.batch, (unsigned long long)s.rows,
                (unsigned long long)s.columns, (unsigned long long)s.depth, s.layout.c_str(),
                Time(lt, handle, workspace, s).c_str());
    std::fflush(stdout);
    separator = ",";
  }
  std::printf("\n}\n");
}
