#ifndef NNET_ROW_RING_STREAM_H_
#define NNET_ROW_RING_STREAM_H_

// A ring of the last rows of an image, filled row by row: row y lies in ring[y % ROWS].

#include "hls_stream.h"

namespace nnet {

// Takes in all rows in front of row `behind` that the image has; `received` have come.
template <int HEIGHT, int ROWS, int WIDTH, class data_T>
void receive_rows(hls::stream<data_T> &image, data_T (&ring)[ROWS][WIDTH], int &received, int behind) {
    #pragma HLS INLINE
Receive:
    while (received < behind && received < HEIGHT) {
        for (int x = 0; x < WIDTH; x++) {
            #pragma HLS PIPELINE II=1
            ring[received % ROWS][x] = image.read();
        }
        received++;
    }
}

// The rows behind the last that is needed; the next frame comes behind them.
template <int HEIGHT, int WIDTH, class data_T> void drop_rows(hls::stream<data_T> &image, int received) {
    #pragma HLS INLINE
LeftOver:
    for (; received < HEIGHT; received++)
        for (int x = 0; x < WIDTH; x++)
            image.read();
}

} // namespace nnet

#endif
