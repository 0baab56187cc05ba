#ifndef NNET_VALUE_LIMITS_STREAM_H_
#define NNET_VALUE_LIMITS_STREAM_H_

// Values, but no less and no more than two limits.

#include "hls_stream.h"
#include "nnet_common.h"

namespace nnet {

template <class data_T, class res_T, typename CONFIG_T>
void value_limits(hls::stream<data_T> &image, hls::stream<res_T> &limited) {
Pixel:
    for (unsigned i = 0; i < CONFIG_T::n_pixels; i++) {
        #pragma HLS PIPELINE
        data_T pixel = image.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channel:
        for (unsigned c = 0; c < CONFIG_T::n_chan; c++) {
            #pragma HLS UNROLL
            typename res_T::value_type low, high;
            low.range(res_T::value_type::width - 1, 0) = CONFIG_T::low;
            high.range(res_T::value_type::width - 1, 0) = CONFIG_T::high;
            if (pixel[c] < low)
                out[c] = low;
            else if (pixel[c] > high)
                out[c] = high;
            else
                out[c] = pixel[c];
        }
        limited.write(out);
    }
}

} // namespace nnet

#endif
